// Command dashboard prints deploy/dashboard.json, a dashboard for Grafana; `make dashboard` writes the file.
package main

import (
	"fmt"
	"os"
)

func main() {
	text, err := generate()
	if err == nil {
		_, err = os.Stdout.Write(text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
