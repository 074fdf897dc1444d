package logslice

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// naive cuts a stream whose every byte is known: the slices' lines, the last of which is behind the last sentinel.
func naive(stream string) []string {
	slices := []string{""}
	add := func(line string) { slices[len(slices)-1] += strings.ToValidUTF8(line, "\uFFFD") + "\n" }
	for line := range strings.Lines(stream) {
		line = strings.TrimSuffix(line, "\n")
		for len(line) > maxLine {
			n := maxLine - len(Sentinel) - 1
			for back := range 4 {
				if _, size := utf8.DecodeRuneInString(line[n-back:]); size > back && back > 0 {
					n -= back
					break
				}
			}
			add(line[:n])
			line = line[n:]
		}
		line = strings.TrimSuffix(line, "\r")
		text, ends := strings.CutSuffix(line, Sentinel)
		if text != "" || !ends {
			add(text)
		}
		if ends {
			slices = append(slices, "")
		}
	}
	return slices
}

// output is what an activation prints to a stream, without its sentinel at the end.
func output(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(6) {
		switch r.IntN(8) {
		case 0:
			b.WriteString(Sentinel[:r.IntN(len(Sentinel))])
		case 1:
			b.WriteString("x" + Sentinel[r.IntN(5)+1:])
		case 2:
			b.WriteString(strings.Repeat("é€", r.IntN(8000)))
		case 3:
			for range r.IntN(9) {
				b.WriteByte(byte(r.Uint32()))
			}
		case 4:
			b.WriteString("\r")
		case 5:
			b.WriteString(Sentinel + "x")
		default:
			fmt.Fprint(&b, r.Uint64())
		}
		if r.IntN(2) == 0 {
			b.WriteString("\n")
		}
	}
	return b.String() + [...]string{"", "\n", "\r\n"}[r.IntN(3)]
}

func TestPropertySlicesAreThoseOfTheWholeStreamsHoweverTheyAreRead(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := New(Counted, [2]int64{20, 20})
		printed := [2]string{"printed before\nbound", "printed before\nbound"}
		var got [2][activations]string
		var closed [activations]int
		keep := func(pieces []Piece) {
			for _, p := range pieces {
				require.Zero(t, closed[p.Slice], "seed %d: slice %d is closed", seed, p.Slice)
				got[p.Stream][p.Slice] += p.Text
				if p.End {
					closed[p.Slice]++
				}
			}
		}
		read := func(times int) {
			for range r.IntN(times) {
				s := Stream(r.IntN(2))
				rest := printed[s][c.Offset(s):]
				keep(c.Bytes(s, c.Offset(s), []byte(rest[:r.IntN(len(rest)+1)]), time.Time{}))
			}
		}
		for range activations {
			n, _ := c.Begin(1<<40, [2]int64{})
			read(4)
			for s := range printed {
				printed[s] += output(r)
				read(4)
				printed[s] += Sentinel + [...]string{"\n", "\r\n"}[r.IntN(2)]
			}
			read(4)
			keep(c.Ended(n, time.Unix(1, 0)))
			read(4)
		}
		for c.Open() > 0 {
			read(100)
		}
		for s := range printed {
			want := naive(printed[s][20:])
			require.Equal(t, want[:activations], got[s][:], "seed %d", seed)
			require.Equal(t, "", want[activations])
			require.Equal(t, int64(len(printed[s])), c.Offset(Stream(s)))
		}
		require.Equal(t, Counted, c.Mode(), "seed %d", seed)
	}
}

const activations = 8

// hostile does what must not happen, in an order that the bytes of a program say, and checks what must hold in any case. Each line
// that is printed has a number of its own, by which it is found again.
func hostile(t *testing.T, mode Mode, program []byte) {
	if len(program) > 300 {
		return // time is better spent on other short ones
	}
	c, now := New(mode, [2]int64{}), time.Unix(1, 0)
	var printed [2][]byte
	var line int
	open, seen := map[int]bool{}, map[string]int{}
	var last [2]int
	var running []int
	check := func(pieces []Piece) {
		for _, p := range pieces {
			require.True(t, open[p.Slice], "slice %d is not open", p.Slice)
			if p.End {
				open[p.Slice] = false
			}
			for text := range strings.Lines(p.Text) {
				number, found := strings.CutPrefix(strings.TrimSuffix(text, "\n"), "line ")
				if n, err := strconv.Atoi(number); found && err == nil && mode != Shared { // of the whole line
					require.NotContains(t, seen, number, "in two slices")
					seen[number] = p.Slice
					require.Greater(t, n, last[p.Stream])
					last[p.Stream] = n
				}
			}
		}
		for s := range c.streams {
			require.LessOrEqual(t, len(c.streams[s].line), maxLine)
			require.LessOrEqual(t, c.Offset(Stream(s)), int64(len(printed[s]))+1000)
		}
		require.Empty(t, c.text)
	}
	for i, b := range program {
		s, n := Stream(b>>7), int(b>>4&7)
		now = now.Add(time.Duration(i) * 10 * time.Millisecond)
		switch b & 15 {
		case 0, 1:
			if mode == Shared || len(running) == 0 {
				n, pieces := c.Begin(int64(n)*1000, [2]int64{int64(len(printed[0])), int64(len(printed[1]))})
				open[n] = true
				running = append(running, n)
				check(pieces)
			}
		case 2, 3:
			if len(running) > 0 {
				check(c.Ended(running[0], now))
				running = running[1:]
			}
		case 4:
			if len(running) > 0 {
				check(c.Withdraw(running[len(running)-1], now))
				running = running[:len(running)-1]
			}
		case 5, 6, 7:
			line++
			printed[s] = fmt.Appendf(printed[s], "line %d%s", line, [...]string{"\n", "\r\n", "", "\n\n"}[n&3])
		case 8:
			printed[s] = append(printed[s], mark[n&1:]...)
		case 9:
			printed[s] = append(printed[s], bytes.Repeat([]byte("\xe2\x82\xac"), n*3000)...)
		case 10, 11:
			from := max(0, min(c.Offset(s), int64(len(printed[s])))-int64(n))
			check(c.Bytes(s, from, printed[s][from:], now))
		case 12:
			check(c.Silent(now, n == 7))
		case 13:
			check(c.Overdue(now))
		case 14:
			check(c.Fail("failed"))
		case 15:
			check(c.Lost(s, min(c.Offset(s)+int64(n), int64(len(printed[s])))))
		}
	}
	for len(running) > 0 {
		check(c.Ended(running[0], now))
		running = running[1:]
	}
	check(c.Silent(now, true))
	check(c.Overdue(now.Add(MaxWait)))
	require.Zero(t, c.Open())
	for n, still := range open {
		require.False(t, still, "slice %d is open", n)
	}
}

func TestPropertyEachLineIsInOneSliceAtMostAndEachSliceIsClosedOnce(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 2))
		program := make([]byte, r.IntN(200))
		for i := range program {
			program[i] = byte(r.Uint32())
		}
		hostile(t, Mode(seed%3), program)
	}
}

func FuzzCutter(f *testing.F) {
	f.Add(byte(0), []byte{0, 5, 5 + 128, 8, 8 + 128, 2, 10, 10 + 128, 12, 0, 5, 2, 12})
	f.Add(byte(1), []byte{0, 5, 2, 10, 1, 10, 12, 15, 14, 13})
	f.Add(byte(2), []byte{0, 0, 9, 10, 2, 3, 12})
	f.Fuzz(func(t *testing.T, mode byte, program []byte) { hostile(t, Mode(mode%3), program) })
}

func BenchmarkCutter(b *testing.B) {
	chunk := []byte(strings.Repeat(strings.Repeat("x", 63)+"\n", 16) + mark)
	c, now := New(Counted, [2]int64{}), time.Unix(1, 0)
	b.SetBytes(int64(len(chunk)))
	b.ReportAllocs()
	for b.Loop() {
		n, _ := c.Begin(1<<20, [2]int64{})
		c.Ended(n, now)
		c.Bytes(Stdout, c.Offset(Stdout), chunk, now)
		if pieces := c.Bytes(Stderr, c.Offset(Stderr), []byte(mark), now); len(pieces) != 1 {
			b.Fatal(pieces)
		}
	}
}

// BenchmarkHostileLines cuts the lines that take most time: short ones, among which some are to be changed.
func BenchmarkHostileLines(b *testing.B) {
	for name, some := range map[string]string{"CR": "\r\n", "not UTF-8": "\xff\n"} {
		b.Run(name, func(b *testing.B) {
			chunk := []byte(strings.Repeat(strings.Repeat("\n", 1000)+some, 64))
			b.SetBytes(int64(len(chunk)))
			for b.Loop() {
				c := New(Counted, [2]int64{})
				n, _ := c.Begin(1000, [2]int64{})
				c.Ended(n, time.Time{}.Add(1))
				c.Bytes(Stdout, 0, chunk, time.Time{})
			}
		})
	}
}
