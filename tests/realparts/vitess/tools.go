//go:build tools

// Package tools pins Vitess's programs.
package tools

import (
	_ "vitess.io/vitess/go/cmd/mysqlctld"
	_ "vitess.io/vitess/go/cmd/vtbackup"
	_ "vitess.io/vitess/go/cmd/vtctld"
	_ "vitess.io/vitess/go/cmd/vtctldclient"
	_ "vitess.io/vitess/go/cmd/vtgate"
	_ "vitess.io/vitess/go/cmd/vtorc"
	_ "vitess.io/vitess/go/cmd/vttablet"
)
