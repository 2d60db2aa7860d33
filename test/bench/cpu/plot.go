package main

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// writePlot draws a group of bars for each workload, one bar a side but the baseline, which
// is the line at 1. Bars are cut off at the top.
func writePlot(path string, results []Result, sides []side) error {
	const highest, width = 4, 5
	p := plot.New()
	p.Title.Text = "Time over native clang -O2 (lower is faster)"
	p.Y.Min, p.Y.Max = 0, highest
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	shown := sides[:0:0]
	for _, s := range sides {
		if s.name != baseline {
			shown = append(shown, s)
		}
	}
	var names []string
	for _, r := range results {
		names = append(names, r.name)
	}
	for k, s := range shown {
		values := make(plotter.Values, len(results))
		for i := range results {
			values[i] = math.Min(results[i].ratio(s.name), highest)
		}
		bars, err := plotter.NewBarChart(values, vg.Points(width))
		if err != nil {
			return err
		}
		bars.Offset = vg.Points(width * (float64(k) - float64(len(shown)-1)/2))
		bars.Color = palette[k%len(palette)]
		bars.LineStyle.Width = 0
		p.Add(bars)
		p.Legend.Add(s.name, bars)
	}
	one := plotter.NewFunction(func(float64) float64 { return 1 })
	p.Add(one)
	p.NominalX(names...)
	return p.Save(vg.Points(900), vg.Points(360), path)
}

// palette is that of Okabe and Ito, which the colour-blind can tell apart.
var palette = []color.Color{
	color.RGBA{0xd5, 0x5e, 0x00, 0xff},
	color.RGBA{0x00, 0x00, 0x00, 0xff},
	color.RGBA{0x56, 0xb4, 0xe9, 0xff},
	color.RGBA{0x00, 0x9e, 0x73, 0xff},
	color.RGBA{0xcc, 0x79, 0xa7, 0xff},
	color.RGBA{0xe6, 0x9f, 0x00, 0xff},
}
