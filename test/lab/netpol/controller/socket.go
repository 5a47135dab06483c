package controller

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
)

// Listen serves a unix socket until the context ends. A client sends one line (`status`, `delay 2s`, `delay never`, `off`)
// and gets one line of JSON, a Status or {"error": …}. The answer is sent when the change is in force.
func (e *Enforcer) Listen(ctx context.Context, path string) error {
	// A killed process leaves its socket file behind.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	context.AfterFunc(ctx, func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go e.answer(connection)
		}
	}()
	return nil
}

func (e *Enforcer) answer(connection net.Conn) {
	defer connection.Close()
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return
	}
	status, err := e.command(strings.Fields(line))
	if err != nil {
		json.NewEncoder(connection).Encode(map[string]string{"error": err.Error()})
		return
	}
	json.NewEncoder(connection).Encode(status)
}

func (e *Enforcer) command(words []string) (Status, error) {
	switch {
	case len(words) == 1 && words[0] == "status":
		return e.Status(), nil
	case len(words) == 1 && words[0] == "off":
		return e.Off(), nil
	case len(words) == 2 && words[0] == "delay":
		delay, err := ParseDelay(words[1])
		if err != nil {
			return Status{}, err
		}
		return e.SetDelay(delay), nil
	}
	return Status{}, fmt.Errorf("%q is none of: status, delay DURATION, delay never, off", strings.Join(words, " "))
}
