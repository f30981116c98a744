package main

import (
	"fmt"
	"image/color"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// plots draws the rates, acknowledgement times and costs in a file of results, each into an SVG in the folder.
func plots(file, folder string) error {
	r, err := readResults(file)
	if err != nil {
		return err
	}
	all := []chart{
		{file: "rates.svg", title: "Burst of 5,000 from 64 senders", axis: "events/s", bars: []bar{
			{"accepted", func(s string) float64 { return r.medianOf(s, burst, accepted) }},
			{"applied to the end", func(s string) float64 { return r.medianOf(s, burst, applied) }}}},
		{file: "mixed.svg", title: "Mixed histories of orders from 64 senders", axis: "events/s", bars: []bar{
			{"accepted", func(s string) float64 { return r.medianOf(s, mixed, accepted) }},
			{"applied to the end", func(s string) float64 { return r.medianOf(s, mixed, applied) }}}},
		{file: "burst-ack.svg", title: "Burst: acknowledged after", axis: "ms", bars: []bar{
			{"p50", func(s string) float64 { return r.medianOf(s, burst, ackP50) }},
			{"p99", func(s string) float64 { return r.medianOf(s, burst, ackP99) }},
			{"p99.9", func(s string) float64 { return r.medianOf(s, burst, ackP999) }}}},
		{file: "cost.svg", title: "Processor time of an event, 16 senders", axis: "µs", bars: []bar{
			{"its own", func(s string) float64 { return r.medianOf(s, senders16, cpuSubject) }},
			{"Temporal's", func(s string) float64 { return r.medianOf(s, senders16, cpuTemporal) }},
			{"PostgreSQL's", func(s string) float64 { return r.medianOf(s, senders16, cpuPostgres) }}}},
	}
	for _, rate := range openRates {
		of := func(quantile func(*series) float64) func(string) float64 {
			return func(subject string) float64 {
				if s := r.find(subject, openName(rate)); s != nil {
					return quantile(s)
				}
				return 0
			}
		}
		all = append(all, chart{file: fmt.Sprintf("ack-%d.svg", rate), title: fmt.Sprintf("Open loop, %d events/s: acknowledged after", rate), axis: "ms", bars: []bar{
			{"p50", of(func(s *series) float64 { return s.AckP50 })},
			{"p99", of(func(s *series) float64 { return s.AckP99 })},
			{"p99.9", of(func(s *series) float64 { return s.AckP999 })}}})
	}
	for _, c := range all {
		if err := c.draw(r.Subjects, folder); err != nil {
			return fmt.Errorf("draw %s: %w", c.file, err)
		}
	}
	return nil
}

func (r *results) medianOf(subject string, l load, of figure) float64 {
	if s := r.find(subject, l.name); s != nil {
		return s.median(of)
	}
	return 0
}

// chart has a group of bars for each subject.
type chart struct {
	file, title, axis string
	bars              []bar
}

type bar struct {
	name string
	of   func(subject string) float64 // 0: no value
}

var colors = []color.Color{color.RGBA{0x4e, 0x79, 0xa7, 0xff}, color.RGBA{0xf2, 0x8e, 0x2b, 0xff}, color.RGBA{0x9c, 0x75, 0x5f, 0xff}}

func (c chart) draw(subjects []string, folder string) error {
	var names []string // from bottom to top
	values := make([]plotter.Values, len(c.bars))
	for i := len(subjects) - 1; i >= 0; i-- {
		if c.bars[0].of(subjects[i]) == 0 {
			continue
		}
		names = append(names, subjects[i])
		for b := range c.bars {
			values[b] = append(values[b], c.bars[b].of(subjects[i]))
		}
	}
	if len(names) == 0 {
		return nil
	}
	p := plot.New()
	p.Title.Text, p.X.Label.Text = c.title, c.axis
	p.Title.Padding = vg.Points(8)
	const width = 9 // points
	for b, v := range values {
		chart, err := plotter.NewBarChart(v, vg.Points(width))
		if err != nil {
			return err
		}
		chart.Horizontal, chart.Color, chart.LineStyle.Width = true, colors[b], 0
		chart.Offset = vg.Points(width * (float64(len(values)-1)/2 - float64(b)))
		p.Add(chart)
		p.Legend.Add(c.bars[b].name, chart)
	}
	p.NominalY(names...)
	p.X.Min = 0
	p.X.Max *= 1.3 // leaves room for the legend
	height := vg.Points(70 + float64(len(names)*len(values)*width)*1.5)
	return p.Save(vg.Points(560), height, filepath.Join(folder, c.file))
}
