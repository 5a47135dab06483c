// Both ends of the benchmark's traffic: `upstream` answers like Anthropic's API, as fast as it can; `load` and `streams` are
// clients that measure the path in between. Results are JSON, one object per line.
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
