package config

import (
	"net/url"
	"strconv"
	"strings"
)

// Traces say which traces are kept.
type Traces struct {
	Sampler string  // OTEL_TRACES_SAMPLER parentbased_always_on
	Ratio   float64 // OTEL_TRACES_SAMPLER_ARG 1: the share that a sampler with a ratio keeps, 0 to 1
}

// traces reads whether and which events are traced. OpenTelemetry itself reads where the traces go, from the same variables and more.
// It ignores what it can't read, so what matters is checked here.
func (r *reader) traces() *Traces {
	off := r.flag("OTEL_SDK_DISABLED")
	exporter := r.choice("OTEL_TRACES_EXPORTER", "otlp", "console", "none")
	asked := exporter != ""
	for _, name := range []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		asked = r.collector(name) || asked
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"} {
		r.choice(name, "http/protobuf", "grpc")
	}
	t := Traces{
		Sampler: r.oneOf("OTEL_TRACES_SAMPLER", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio", "always_on", "always_off", "traceidratio"),
		Ratio:   r.ratio("OTEL_TRACES_SAMPLER_ARG"),
	}
	if off || !asked || exporter == "none" {
		return nil
	}
	return &t
}

// choice is oneOf without a default.
func (r *reader) choice(name string, values ...string) string {
	if _, set := r.env.LookupEnv(name); !set {
		return ""
	}
	return r.oneOf(name, values...)
}

// collector reports whether the collector's address is set. No problem shows its value, which may hold a password.
func (r *reader) collector(name string) bool {
	value, set := r.env.LookupEnv(name)
	if !set {
		return false
	}
	if u, err := url.Parse(value); err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
		r.problem(name, "it is not the URL of a collector; for example http://127.0.0.1:4318")
	}
	return true
}

func (r *reader) ratio(name string) float64 {
	value, set := r.env.LookupEnv(name)
	if !set {
		return 1
	}
	ratio, err := strconv.ParseFloat(value, 64)
	if err != nil || !(ratio >= 0 && ratio <= 1) {
		r.problem(name, "%q is not a number from 0 to 1; for example 0.1", value)
	}
	return ratio
}
