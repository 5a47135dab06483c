package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// The prompt says what the request wants, because a gateway may drop any field that it does not know.
var asked = regexp.MustCompile(`frames=(\d+) every=(\d+)ms`)

// About 2 kB, a small answer.
var message = `{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-4-5",` +
	`"content":[{"type":"text","text":"` +
	strings.Repeat("The gateway relays what the agent and the model say to each other.\\n", 25) + `"}],` +
	`"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":812,"cache_creation_input_tokens":0,` +
	`"cache_read_input_tokens":0,"output_tokens":17}}`

const streamStart = "event: message_start\n" +
	`data: {"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant",` +
	`"model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,` +
	`"usage":{"input_tokens":812,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}` + "\n\n" +
	"event: content_block_start\n" +
	`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}` + "\n\n"

const streamEnd = "event: content_block_stop\n" +
	`data: {"type":"content_block_stop","index":0}` + "\n\n" +
	"event: message_delta\n" +
	`data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":17}}` + "\n\n" +
	"event: message_stop\n" +
	`data: {"type":"message_stop"}` + "\n\n"

// The text of a frame is its send time, so the receiver can compute how long it took.
const frame = "event: content_block_delta\n" +
	`data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%d"}}` + "\n\n"

func upstream(args []string) error {
	flags := flag.NewFlagSet("upstream", flag.ContinueOnError)
	certFile := flags.String("cert", "", "certificate, PEM")
	keyFile := flags.String("key", "", "its key, PEM")
	if err := flags.Parse(args); err != nil {
		return err
	}
	certificate, err := tls.LoadX509KeyPair(*certFile, *keyFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}

	api := &api{end: make(chan struct{})}
	messages := http.NewServeMux()
	messages.HandleFunc("POST /v1/messages", api.answer)
	// The number of open requests. It tells the benchmark when a path has closed all of them. Some gateways do not do so after
	// their client has disconnected, so the requests can also be ended from this side.
	controls := http.NewServeMux()
	controls.HandleFunc("GET /open", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, api.open.Load()) })
	controls.HandleFunc("POST /end", func(http.ResponseWriter, *http.Request) { api.endAll() })

	if err := report(map[string]int{"port": port(listener), "controlPort": port(control)}); err != nil {
		return err
	}
	go func() { log.Fatal(http.Serve(control, controls)) }()
	server := &http.Server{
		Handler:   messages,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}},
		// A client that disconnects during the handshake is not an error.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	return server.ServeTLS(listener, "", "")
}

func port(listener net.Listener) int {
	return listener.Addr().(*net.TCPAddr).Port
}

type api struct {
	open  atomic.Int64
	mutex sync.Mutex
	end   chan struct{}
}

// ending is closed to end the streams that are open now.
func (a *api) ending() <-chan struct{} {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	return a.end
}

func (a *api) endAll() {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	close(a.end)
	a.end = make(chan struct{})
}

func (a *api) answer(w http.ResponseWriter, r *http.Request) {
	a.open.Add(1)
	defer a.open.Add(-1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	w.Header().Set("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy")
	frames := asked.FindSubmatch(body)
	if frames == nil {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, message)
		return
	}
	count, _ := strconv.Atoi(string(frames[1]))
	milliseconds, _ := strconv.Atoi(string(frames[2]))
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	a.play(w, r, count, time.Duration(milliseconds)*time.Millisecond)
}

func (a *api) play(w http.ResponseWriter, r *http.Request, count int, interval time.Duration) {
	flusher := w.(http.Flusher)
	ending := a.ending()
	io.WriteString(w, streamStart)
	for sent := range count {
		fmt.Fprintf(w, frame, time.Now().UnixNano())
		flusher.Flush()
		if interval == 0 || sent == count-1 {
			continue
		}
		select {
		case <-r.Context().Done():
			return
		case <-ending:
			return
		case <-time.After(interval):
		}
	}
	io.WriteString(w, streamEnd)
}
