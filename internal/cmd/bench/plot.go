// Copyright (c) The terraform-provider-kvs Authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"text/template"
)

// plot draws requests and time over the number of stores. Both axes are logarithmic, so that what is proportional rises
// at 45 degrees.
func plot(points []point, cli string) ([]byte, error) {
	if len(points) == 0 {
		return nil, nil
	}
	over := func(value func(point) float64) (line []xy) {
		for _, p := range points {
			line = append(line, xy{float64(p.n), value(p)})
		}
		return line
	}
	panels := []panel{
		{Title: "Requests of a plan without a change", X: 60, Lines: []line{
			{"the two existing providers: 6 for each store", "#b0b0b0", over(func(p point) float64 { return 6 * float64(p.n) })},
			{"kvs", "#6762a6", over(func(p point) float64 { return float64(len(p.ours.requests)) })},
			{"of these, counted by the account", "#d97706", over(func(p point) float64 { return float64(charged(p.ours.requests)) })},
		}},
		{Title: "Seconds", X: 460, Lines: []line{
			{"kvs", "#6762a6", over(func(p point) float64 { return p.ours.took.Seconds() })},
			{cli + " alone, as many built-in resources", "#b0b0b0", over(func(p point) float64 { return p.floor.took.Seconds() })},
			{"CPU of the provider", "#d97706", over(func(p point) float64 { return p.ours.provider.CPU.Seconds() })},
		}},
	}
	for i := range panels {
		panels[i].scale()
	}
	var b bytes.Buffer
	err := drawing.Execute(&b, panels)
	return b.Bytes(), err
}

type xy struct{ x, y float64 }

type line struct {
	Name, Color string
	points      []xy
}

// panel is a square of 300 by 300 at X, 40.
type panel struct {
	Title      string
	X          int
	Lines      []line
	Polylines  []string
	Columns    []tick
	Rows       []tick
	low, high  xy // powers of ten
	perDecadeX float64
	perDecadeY float64
}

type tick struct {
	At    float64
	Label string
}

const side = 300

func (p *panel) scale() {
	p.low, p.high = xy{math.Inf(1), math.Inf(1)}, xy{math.Inf(-1), math.Inf(-1)}
	for _, l := range p.Lines {
		for _, at := range l.points {
			p.low = xy{min(p.low.x, math.Floor(math.Log10(at.x))), min(p.low.y, math.Floor(math.Log10(max(at.y, 0.01))))}
			p.high = xy{max(p.high.x, math.Ceil(math.Log10(at.x))), max(p.high.y, math.Ceil(math.Log10(max(at.y, 0.01))))}
		}
	}
	p.perDecadeX, p.perDecadeY = side/max(p.high.x-p.low.x, 1), side/max(p.high.y-p.low.y, 1)
	for d := p.low.x; d <= p.high.x; d++ {
		p.Columns = append(p.Columns, tick{p.across(math.Pow(10, d)), label(d)})
	}
	for d := p.low.y; d <= p.high.y; d++ {
		p.Rows = append(p.Rows, tick{p.up(math.Pow(10, d)), label(d)})
	}
	for _, l := range p.Lines {
		var b strings.Builder
		for _, at := range l.points {
			fmt.Fprintf(&b, "%.1f,%.1f ", p.across(at.x), p.up(at.y))
		}
		p.Polylines = append(p.Polylines, b.String())
	}
}

func (p *panel) across(x float64) float64 {
	return float64(p.X) + (math.Log10(x)-p.low.x)*p.perDecadeX
}

func (p *panel) up(y float64) float64 {
	return 40 + side - (math.Log10(max(y, 0.01))-p.low.y)*p.perDecadeY
}

func label(decade float64) string { return fmt.Sprintf("%g", math.Pow(10, decade)) }

var drawing = template.Must(template.New("plot").Funcs(template.FuncMap{
	"plus": func(a, b int) int { return a + b },
	"row":  func(i int) int { return 400 + 18*i },
}).Parse(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 460" font-family="sans-serif" font-size="12">
<rect width="800" height="460" fill="#ffffff"/>
{{- range . }}
<text x="{{ .X }}" y="24" font-size="14">{{ .Title }}</text>
{{- $x := .X }}
{{- range .Columns }}
<path d="M{{ .At }} 40V340" stroke="#e5e5e5"/><text x="{{ .At }}" y="356" text-anchor="middle">{{ .Label }}</text>
{{- end }}
{{- range .Rows }}
<path d="M{{ $x }} {{ .At }}h300" stroke="#e5e5e5"/><text x="{{ plus $x -6 }}" y="{{ .At }}" dy="4" text-anchor="end">{{ .Label }}</text>
{{- end }}
<text x="{{ plus .X 300 }}" y="374" text-anchor="end">stores</text>
{{- $panel := . }}
{{- range $i, $line := .Lines }}
<polyline points="{{ index $panel.Polylines $i }}" fill="none" stroke="{{ .Color }}" stroke-width="2"/>
<path d="M{{ $x }} {{ row $i }}h20" stroke="{{ .Color }}" stroke-width="3"/><text x="{{ plus $x 28 }}" y="{{ row $i }}" dy="4">{{ .Name }}</text>
{{- end }}
{{- end }}
</svg>
`))
