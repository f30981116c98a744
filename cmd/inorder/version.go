package main

import "runtime/debug"

// version is set when bin/inorder is built: -ldflags "-X main.version=…".
var version string

// programVersion is version, or else what the Go tool recorded of the source.
func programVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
