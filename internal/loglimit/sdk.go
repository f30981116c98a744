package loglimit

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
)

// SDK is the logger for Temporal's SDK. The SDK logs an error for each failed attempt of each activity: while PostgreSQL
// is away, one for every event, again and again. So warnings and errors are limited, by message and type of activity, and
// so are lines at level info about failed tasks. All other lines are logged as they come.
type SDK struct {
	*slog.Logger
	limited *Logger
}

// NewSDK returns a logger that writes to log; what is limited, it writes through limited.
func NewSDK(log *slog.Logger, limited *Logger) *SDK { return &SDK{log, limited} }

func (s *SDK) Info(message string, attrs ...any) {
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i] == "Error" {
			s.limit(slog.LevelInfo, message, attrs)
			return
		}
	}
	s.Logger.Info(message, attrs...)
}

func (s *SDK) Warn(message string, attrs ...any) { s.limit(slog.LevelWarn, message, attrs) }

func (s *SDK) Error(message string, attrs ...any) { s.limit(slog.LevelError, message, attrs) }

func (s *SDK) limit(level slog.Level, message string, attrs []any) {
	name := kindOf(message)
	attrs = append([]any(nil), attrs...) // they are the SDK's
	for i := 1; i < len(attrs); i += 2 {
		if err, ok := attrs[i].(error); ok && err != nil {
			attrs[i] = OneLine(err)
		}
		if attrs[i-1] == "ActivityType" {
			name += fmt.Sprintf(" %v", attrs[i])
		}
	}
	s.limited.Log(level, name, OneLine(errors.New(message)), attrs...)
}

// kindOf returns the part of a message that is the same each time: some messages have an error after a colon, and those
// with a code in brackets may have an ID after it.
func kindOf(message string) string {
	if code, _, found := strings.Cut(message, "]"); found && strings.HasPrefix(code, "[") {
		return "sdk " + code
	}
	words, _, _ := strings.Cut(message, ":")
	return "sdk " + words
}
