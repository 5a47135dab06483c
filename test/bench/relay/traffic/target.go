package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// target is where requests go, and their content.
type target struct {
	address string
	tls     *tls.Config
	request []byte
}

// headerList is a flag that may be repeated.
type headerList []string

func (h *headerList) String() string         { return strings.Join(*h, ", ") }
func (h *headerList) Set(value string) error { *h = append(*h, value); return nil }

// targetFlags adds the flags of a target. Call the returned function after parsing.
func targetFlags(flags *flag.FlagSet) func(prompt string, stream bool) (*target, error) {
	address := flags.String("connect", "", "address to connect to")
	path := flags.String("path", "/v1/messages", "path of the requests")
	host := flags.String("host", "", "Host header, and the TLS server name")
	caFile := flags.String("ca", "", "authority that signed the server's certificate; without it, no TLS")
	bodyBytes := flags.Int("body-bytes", 3000, "minimum size of a request's body")
	var headers headerList
	flags.Var(&headers, "header", "a header for the requests; may be repeated")
	return func(prompt string, stream bool) (*target, error) {
		if *address == "" || *host == "" {
			return nil, errors.New("-connect and -host are required")
		}
		body := requestBody(prompt, stream, *bodyBytes)
		t := &target{address: *address, request: requestText(*host, *path, headers, body)}
		if *caFile == "" {
			return t, nil
		}
		pem, err := os.ReadFile(*caFile)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s contains no certificate", *caFile)
		}
		t.tls = &tls.Config{RootCAs: roots, ServerName: *host, NextProtos: []string{"http/1.1"}}
		return t, nil
	}
}

func requestBody(prompt string, stream bool, size int) string {
	const template = `{"model":"claude-sonnet-4-5","max_tokens":1024,"stream":%t,` +
		`"system":[{"type":"text","text":"You are an agent.%s"}],"messages":[{"role":"user","content":"%s"}]}`
	bare := len(fmt.Sprintf(template, stream, "", prompt))
	padding := strings.Repeat(" Be brief.", max(0, size-bare)/len(" Be brief.")+1)
	return fmt.Sprintf(template, stream, padding, prompt)
}

func requestText(host, path string, headers []string, body string) []byte {
	lines := append([]string{
		"POST " + path + " HTTP/1.1",
		"Host: " + host,
		"Content-Type: application/json",
		"anthropic-version: 2023-06-01",
		fmt.Sprintf("Content-Length: %d", len(body)),
	}, headers...)
	return []byte(strings.Join(lines, "\r\n") + "\r\n\r\n" + body)
}

// client is one connection for requests that follow one another.
type client struct {
	target *target
	net    net.Conn
	reader *bufio.Reader
}

func (t *target) dial() (*client, error) {
	connection, err := net.Dial("tcp", t.address)
	if err != nil {
		return nil, err
	}
	if t.tls != nil {
		connection = tls.Client(connection, t.tls)
	}
	return &client{target: t, net: connection, reader: bufio.NewReader(connection)}, nil
}

// send writes the request and waits for the response's headers.
func (c *client) send() (*http.Response, error) {
	if _, err := c.net.Write(c.target.request); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("status %s", response.Status)
	}
	return response, nil
}

// reopened returns the connection for the next request. Some servers close a connection from time to time.
func (c *client) reopened(response *http.Response) (*client, error) {
	if !response.Close {
		return c, nil
	}
	c.net.Close()
	return c.target.dial()
}
