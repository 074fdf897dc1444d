package page_test

import (
	"bytes"
	"cmp"
	"flag"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/mesos-actor/mesos-actor-go/internal/chromiumtest"
)

var update = flag.Bool("update", false, "write the screenshots in docs")

// screenshots takes those of a framework at a fixed time, and with -update writes them to docs/page-*.png. They are not compared,
// since they differ between versions of the browser and fonts.
func screenshots(t *testing.T, b *chromiumtest.Browser) {
	f := sample(t, 240)
	addInvoker(f, 40)
	for _, line := range []string{
		"11:58:58 info   reading /etc/shop/api.yaml", "11:58:58 info   version 1.42.0, 2 workers", "11:58:59 info   connecting to orders.example.com:5432",
		"11:59:02 warn   orders.example.com:5432: connection refused, trying again in 2 s", "11:59:04 warn   orders.example.com:5432: connection refused, trying again in 2 s",
		"11:59:06 error  no database after 3 attempts", "exit status 1",
	} {
		f.output["api-2 stdout"] += line + "\n"
	}
	for _, shot := range []struct {
		name, fragment, drawn string
		view                  chromiumtest.View
	}{
		{"light", "#/tasks", `document.querySelectorAll(".rows .row").length > 5`, chromiumtest.View{Width: 1280, Height: 760}},
		{"dark", "#/tasks/mail-1", `document.querySelector(".reasons li")`, chromiumtest.View{Width: 1280, Height: 760, Dark: true}},
		{"output", "#/tasks/api-2/output?state=failed", `document.querySelector(".output-bar").innerText.includes("the task has ended")`, chromiumtest.View{Width: 1280, Height: 560}},
		{"agents", "#/agents", `document.querySelector(".agent")`, chromiumtest.View{Width: 1280, Height: 760}},
		{"invoker", "#/invoker", `document.querySelectorAll("#view-invoker .rows .row").length > 5`, chromiumtest.View{Width: 1280, Height: 900}},
		{"narrow", "#/tasks", `document.querySelectorAll(".rows .row").length > 5`, chromiumtest.View{Width: 360, Height: 720}},
	} {
		shot.view.Now = now
		p := b.Open(t, shot.view)
		p.Go(f.URL + "/" + shot.fragment)
		p.Until(shot.drawn)
		p.Until(`document.querySelectorAll("#cards .card").length === 4 && document.querySelector("#live").innerText.trim() === "Live"`)
		data := smaller(t, p.Screenshot())
		require.Less(t, len(data), 150_000, shot.name)
		if *update {
			require.NoError(t, os.WriteFile("../../docs/page-"+shot.name+".png", data, 0o644))
		}
		require.Empty(t, p.Problems(f.URL))
	}
}

// smaller encodes a picture with 256 colours.
func smaller(t *testing.T, data []byte) []byte {
	from, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	bounds := from.Bounds()
	counts := map[color.RGBA]int{}
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(from.At(x, y)).(color.RGBA) }
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			counts[at(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.RGBA) int {
		return cmp.Or(counts[b]-counts[a], cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	palette := choose(colours)
	into, known := image.NewPaletted(bounds, palette), map[color.RGBA]uint8{}
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := at(x, y)
			index, found := known[c]
			if !found {
				index = uint8(palette.Index(c))
				known[c] = index
			}
			into.SetColorIndex(x, y, index)
		}
	}
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, into))
	return out.Bytes()
}

// choose returns up to 256 of the colours, which are the most frequent first: first those that differ much from all before, so
// that the few red pixels among many grey ones stay red.
func choose(colours []color.RGBA) color.Palette {
	var palette color.Palette
	for _, apart := range []int{40, 20, 10, 0} {
		for _, c := range colours {
			if len(palette) == 256 {
				return palette
			}
			near := func(o color.Color) bool {
				p := o.(color.RGBA)
				square := func(a, b uint8) int { return (int(a) - int(b)) * (int(a) - int(b)) }
				return square(p.R, c.R)+square(p.G, c.G)+square(p.B, c.B) <= apart*apart
			}
			if !slices.ContainsFunc(palette, near) {
				palette = append(palette, c)
			}
		}
	}
	return palette
}
