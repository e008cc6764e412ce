//go:build tools

// Package tools pins CloudNativePG's Barman Cloud plugin.
package tools

import (
	_ "github.com/cloudnative-pg/plugin-barman-cloud/cmd/manager"
)
