//go:build tools

// Package tools pins the server behind `kubectl top`.
package tools

import (
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
