package telemetry

import (
	"context"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// samplerOf returns the sampler of OTEL_TRACES_SAMPLER and its argument. An unknown name keeps all traces.
func samplerOf(name string, ratio float64) sdktrace.Sampler {
	name, byParent := strings.CutPrefix(name, "parentbased_")
	root := sdktrace.AlwaysSample()
	switch name {
	case "always_off":
		root = sdktrace.NeverSample()
	case "traceidratio":
		root = sdktrace.TraceIDRatioBased(ratio)
	}
	if byParent {
		return sdktrace.ParentBased(root)
	}
	return root
}

// keeps reports whether a trace that begins with this ID is kept. Every process with the same settings decides the same.
func (t *Tracing) keeps(id trace.TraceID) bool {
	return t.sampler.ShouldSample(sdktrace.SamplingParameters{ParentContext: context.Background(), TraceID: id}).Decision == sdktrace.RecordAndSample
}
