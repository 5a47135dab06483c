package main

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"time"
)

var (
	delta = []byte(`"content_block_delta"`)
	text  = []byte(`"text":"`)
	end   = []byte(`"message_stop"`)
)

// readFrames calls `received` with each delta's send time, until the stream ends or `received` returns false. Whole reports
// whether the stream ended properly.
func readFrames(body io.Reader, received func(sent time.Time) bool) (whole bool, err error) {
	lines := bufio.NewScanner(body)
	for lines.Scan() {
		line := lines.Bytes()
		if !bytes.HasPrefix(line, []byte("data:")) {
			continue
		}
		if bytes.Contains(line, end) {
			whole = true
		} else if bytes.Contains(line, delta) && !received(sentAt(line)) {
			return false, nil
		}
	}
	return whole, lines.Err()
}

func sentAt(line []byte) time.Time {
	compact := bytes.ReplaceAll(line, []byte(`: `), []byte(`:`))
	_, after, _ := bytes.Cut(compact, text)
	digits, _, _ := bytes.Cut(after, []byte(`"`))
	nanoseconds, _ := strconv.ParseInt(string(digits), 10, 64)
	return time.Unix(0, nanoseconds)
}
