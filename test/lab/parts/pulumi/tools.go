//go:build tools

// Package tools pins the Pulumi CLI and engine that the lab builds from source.
package tools

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
