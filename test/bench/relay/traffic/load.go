package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// How long connections may take to get their first answers before the measurement begins without the missing ones.
const openingPatience = 20 * time.Second

// loadResult is the output of `load`.
type loadResult struct {
	Requests   int       `json:"requests"`
	Errors     int       `json:"errors"`
	FirstError string    `json:"firstError,omitempty"`
	Seconds    float64   `json:"seconds"`
	LatencyMs  quantiles `json:"latencyMs"`
	CPUSeconds float64   `json:"cpuSeconds"`
}

// load keeps a number of connections busy, each with one request after another, and measures how long each request takes:
// to the end of the answer, or with -first-frame to the first frame of a stream.
func load(args []string) error {
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	connections := flags.Int("connections", 1, "number of connections to keep busy")
	seconds := flags.Float64("seconds", 1, "seconds to measure")
	warmup := flags.Float64("warmup", 0.2, "seconds of warm-up after each connection's first answer")
	firstFrame := flags.Bool("first-frame", false, "request a stream of one frame, and measure the time until it arrives")
	newConnections := flags.Bool("new-connections", false, "open a connection for each request, and include that in its time")
	events := flags.Int("events", 0, "request a stream of so many frames, and measure the time until it ends")
	everyMs := flags.Int("every-ms", 0, "time between two frames of -events")
	eager := flags.Bool("eager", false, "send again at once after a refused request, as no well-behaved client does")
	parsed := targetFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	prompt := "Say something."
	kind := answerKind{}
	if *firstFrame {
		kind = answerKind{stream: true, frames: 1, untilFirst: true}
	} else if *events > 0 {
		kind = answerKind{stream: true, frames: *events}
	}
	kind.newConnection = *newConnections
	if kind.stream {
		prompt = fmt.Sprintf("frames=%d every=%dms", kind.frames, *everyMs)
	}
	target, err := parsed(prompt, kind.stream)
	if err != nil {
		return err
	}

	// A slow path takes seconds to open its own connections, which is not part of the measured latency.
	var opened, all sync.WaitGroup
	measured := &window{length: time.Duration(*seconds * float64(time.Second))}
	workers := make([]worker, *connections)
	opened.Add(len(workers))
	for i := range workers {
		workers[i].eager = *eager
		all.Go(func() { workers[i].run(target, kind, measured, opened.Done) })
	}
	waitAtMost(&opened, openingPatience)
	time.Sleep(time.Duration(*warmup * float64(time.Second)))
	if err := report(map[string]int{"open": len(workers)}); err != nil {
		return err
	}
	cpu := cpuSeconds()
	measured.start()
	all.Wait()

	result := loadResult{Seconds: *seconds, CPUSeconds: cpuSeconds() - cpu}
	var latencies []time.Duration
	for _, w := range workers {
		latencies = append(latencies, w.latencies...)
		result.Errors += w.errors
		if w.first != nil && result.FirstError == "" {
			result.FirstError = w.first.Error()
		}
	}
	result.Requests = len(latencies)
	result.LatencyMs = quantilesOf(latencies)
	return report(result)
}

// window is the measured period. Before it starts, connections are opened and kept busy.
type window struct {
	length time.Duration
	until  atomic.Pointer[time.Time]
}

func (w *window) start() {
	until := time.Now().Add(w.length)
	w.until.Store(&until)
}

func (w *window) open() bool {
	until := w.until.Load()
	return until != nil && time.Now().Before(*until)
}

func (w *window) over() bool {
	until := w.until.Load()
	return until != nil && !time.Now().Before(*until)
}

func waitAtMost(group *sync.WaitGroup, limit time.Duration) {
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

type worker struct {
	eager     bool
	latencies []time.Duration
	errors    int
	first     error
}

// answerKind is what is requested, and up to where the time is measured.
type answerKind struct {
	stream     bool
	frames     int
	untilFirst bool
	// Whether the time includes that of opening a connection.
	newConnection bool
}

func (w *worker) run(t *target, kind answerKind, measured *window, opened func()) {
	var c *client
	tried := sync.OnceFunc(opened)
	for !measured.over() {
		var err error
		var opening time.Duration
		if c == nil {
			started := time.Now()
			c, err = t.dial()
			opening = time.Since(started)
		}
		var took time.Duration
		if err == nil {
			c, took, err = exchange(c, kind)
		}
		if kind.newConnection {
			took += opening
			if c != nil {
				c.net.Close()
				c = nil
			}
		}
		tried()
		if err != nil {
			w.failed(err)
			c = nil
			continue
		}
		if measured.open() {
			w.latencies = append(w.latencies, took)
		}
	}
	if c != nil {
		c.net.Close()
	}
}

func (w *worker) failed(err error) {
	w.errors++
	if w.first == nil {
		w.first = err
	}
	// Do not send a million requests to a server that rejects all of them.
	if !w.eager {
		time.Sleep(50 * time.Millisecond)
	}
}

func exchange(c *client, kind answerKind) (*client, time.Duration, error) {
	started := time.Now()
	response, err := c.send()
	if err != nil {
		c.net.Close()
		return nil, 0, err
	}
	took := time.Duration(0)
	if kind.stream {
		frames := 0
		whole, err := readFrames(response.Body, func(time.Time) bool {
			if frames == 0 && kind.untilFirst {
				took = time.Since(started)
			}
			frames++
			return true
		})
		if !kind.untilFirst {
			took = time.Since(started)
		}
		if err == nil && !whole {
			err = errors.New("a stream ended without message_stop")
		}
		if err == nil && frames != kind.frames {
			err = fmt.Errorf("a stream had %d frames, not %d", frames, kind.frames)
		}
		if err != nil {
			c.net.Close()
			return nil, 0, err
		}
	} else {
		read, err := io.Copy(io.Discard, response.Body)
		took = time.Since(started)
		if err == nil && read < int64(len(message)) {
			err = fmt.Errorf("sent %d bytes of %d", read, len(message))
		}
		if err != nil {
			c.net.Close()
			return nil, 0, err
		}
	}
	next, err := c.reopened(response)
	return next, took, err
}
