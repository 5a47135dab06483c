package main

import (
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// More frames than any run waits for, so the client ends the streams.
const endless = 1_000_000

// streamsResult is the output of `streams`.
type streamsResult struct {
	// Held is how many streams were open and got frames during the whole measurement.
	Held       int       `json:"held"`
	Frames     int       `json:"frames"`
	FirstError string    `json:"firstError,omitempty"`
	DelayMs    quantiles `json:"delayMs"`
	OpenSecond float64   `json:"openSeconds"`
	CPUSeconds float64   `json:"cpuSeconds"`
}

// streams opens streams, keeps them open for a while and measures how old each frame is on arrival.
func streams(args []string) error {
	flags := flag.NewFlagSet("streams", flag.ContinueOnError)
	count := flags.Int("streams", 200, "number of streams to keep open")
	opening := flags.Int("opening", 32, "number of streams to open at the same time")
	patience := flags.Float64("patience", 60, "seconds after which a stream that is not open counts as failed")
	interval := flags.Int("interval-ms", 500, "time between two frames of a stream")
	seconds := flags.Float64("seconds", 5, "seconds to keep them open")
	parsed := targetFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	target, err := parsed(fmt.Sprintf("frames=%d every=%dms", endless, *interval), true)
	if err != nil {
		return err
	}

	started := time.Now()
	deadline := started.Add(time.Duration(*patience * float64(time.Second)))
	h := &holding{first: make(chan error, *count), deadline: deadline}
	slots := make(chan struct{}, *opening)
	go func() {
		for range *count {
			slots <- struct{}{}
			h.all.Go(func() { h.hold(target, func() { <-slots }) })
		}
	}()

	result := streamsResult{}
	opened := 0
	for range *count {
		if err := <-h.first; err == nil {
			opened++
		} else if result.FirstError == "" {
			result.FirstError = err.Error()
		}
	}
	result.OpenSecond = time.Since(started).Seconds()
	// The caller of this program measures the path's CPU and memory while the streams are open.
	if err := report(map[string]int{"open": opened}); err != nil {
		return err
	}
	cpu := cpuSeconds()
	h.measuring.Store(true)
	time.Sleep(time.Duration(*seconds * float64(time.Second)))
	h.measuring.Store(false)
	result.CPUSeconds = cpuSeconds() - cpu
	result.Held = opened - int(h.lost.Load())
	h.close()
	h.all.Wait()

	result.Frames = len(h.delays)
	result.DelayMs = quantilesOf(h.delays)
	return report(result)
}

type holding struct {
	first     chan error
	deadline  time.Time
	measuring atomic.Bool
	lost      atomic.Int64
	all       sync.WaitGroup

	mutex   sync.Mutex
	closing bool
	clients []*client
	delays  []time.Duration
}

// hold opens one stream and reads it until it is closed. `opened` is called after the first frame.
func (h *holding) hold(t *target, opened func()) {
	c, err := t.dial()
	if err == nil {
		h.mutex.Lock()
		h.clients = append(h.clients, c)
		h.mutex.Unlock()
	}
	waiting := true
	if err == nil {
		c.net.SetReadDeadline(h.deadline)
		err = h.read(c, func() {
			waiting = false
			c.net.SetReadDeadline(time.Time{})
			h.first <- nil
			opened()
		})
	}
	if waiting {
		h.first <- err
		opened()
		return
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if !h.closing {
		h.lost.Add(1)
	}
}

// read always ends with an error, because no stream ends by itself.
func (h *holding) read(c *client, opened func()) error {
	response, err := c.send()
	if err != nil {
		return err
	}
	frames := 0
	_, err = readFrames(response.Body, func(sent time.Time) bool {
		if frames == 0 {
			opened()
		}
		frames++
		if h.measuring.Load() {
			delay := time.Since(sent)
			h.mutex.Lock()
			h.delays = append(h.delays, delay)
			h.mutex.Unlock()
		}
		return true
	})
	if err == nil {
		err = fmt.Errorf("the stream ended after %d frames", frames)
	}
	return err
}

func (h *holding) close() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.closing = true
	for _, c := range h.clients {
		c.net.Close()
	}
}
