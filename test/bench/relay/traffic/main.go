// Both ends of the bench's traffic: `upstream` answers as Anthropic's API does, as fast as it can; `load` and
// `streams` are clients that measure what lies between. Results are JSON, one object a line.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	commands := map[string]func([]string) error{
		"upstream": upstream,
		"load":     load,
		"streams":  streams,
	}
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: traffic upstream|load|streams [flags]")
		os.Exit(2)
	}
	if err := commands[os.Args[1]](os.Args[2:]); err != nil {
		fmt.Fprintf(os.Stderr, "traffic %s: %v\n", os.Args[1], err)
		os.Exit(1)
	}
}

func report(value any) error {
	return json.NewEncoder(os.Stdout).Encode(value)
}
