package nft

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// Load runs a script as one transaction in this process's network namespace: either all of it applies, or nothing changes.
func Load(script string) error {
	command := exec.Command("nft", "-f", "-")
	command.Stdin = strings.NewReader(script)
	var problems bytes.Buffer
	command.Stderr = &problems
	if err := command.Run(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, strings.TrimSpace(problems.String()))
	}
	return nil
}
