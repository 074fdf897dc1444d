package logslice

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const mark = Sentinel + "\n"

// container is a container in a test: what it prints is there to be read at once.
type container struct {
	*Cutter
	t       *testing.T
	printed [2]string // from its start on
	now     time.Time
	logs    map[int]string // by slice: lines, those of stderr with "!" before them, and "$" at the end
}

func newContainer(t *testing.T, mode Mode, before string) *container {
	size := int64(len(before))
	return &container{
		Cutter: New(mode, [2]int64{size, size}), t: t, printed: [2]string{before, before},
		now: time.Unix(1_800_000_000, 0), logs: map[int]string{},
	}
}

func (c *container) pieces(pieces []Piece) {
	for _, p := range pieces {
		require.NotContains(c.t, c.logs[p.Slice], "$", "slice %d is closed", p.Slice)
		if p.End {
			c.logs[p.Slice] += "$"
			continue
		}
		require.True(c.t, strings.HasSuffix(p.Text, "\n"), "%q is not whole lines", p.Text)
		for line := range strings.Lines(p.Text) {
			c.logs[p.Slice] += [...]string{"", "!"}[p.Stream] + line
		}
	}
}

func (c *container) print(s Stream, text string) { c.printed[s] += text }

// read reads both streams to their ends, n bytes at once.
func (c *container) read(n int) {
	for s := range Stream(2) {
		for {
			rest := c.printed[s][c.Offset(s):]
			if rest = rest[:min(n, len(rest))]; rest == "" {
				break
			}
			offset := c.Offset(s)
			c.pieces(c.Bytes(s, offset, []byte(rest), c.now))
			if c.Offset(s) == offset {
				break // no slice is open
			}
		}
	}
}

func (c *container) begin() int {
	n, pieces := c.Begin(1000, [2]int64{int64(len(c.printed[0])), int64(len(c.printed[1]))})
	c.pieces(pieces)
	return n
}

func (c *container) end(n int) { c.pieces(c.Ended(n, c.now)) }

// silent lets time pass in which nothing is printed.
func (c *container) silent(d time.Duration) {
	c.now = c.now.Add(d)
	c.pieces(c.Silent(c.now, false))
}

// run is an activation that prints something, then sentinels, and is read afterwards.
func (c *container) run(out, err string) int {
	n := c.begin()
	c.print(Stdout, out)
	c.print(Stderr, err)
	c.end(n)
	c.read(64 << 10)
	return n
}

func TestSliceIsBetweenTwoSentinels(t *testing.T) {
	c := newContainer(t, Counted, "what the stem cell printed\nwithout newline")
	c.run("a\nb\n"+mark, "c\n"+mark)
	c.run(mark, mark)
	c.run("d\n"+mark, mark)
	require.Equal(t, map[int]string{0: "a\nb\n!c\n$", 1: "$", 2: "d\n$"}, c.logs)
	require.Equal(t, Counted, c.Mode())
}

func TestNextActivationBeginsBeforeThePreviousOneWasRead(t *testing.T) {
	c := newContainer(t, Counted, "")
	for i := range 5 {
		n := c.begin()
		c.print(Stdout, fmt.Sprintf("%d\n%s", i, mark))
		c.print(Stderr, mark)
		c.end(n)
	}
	require.Equal(t, 5, c.Open())
	c.read(7)
	require.Equal(t, map[int]string{0: "0\n$", 1: "1\n$", 2: "2\n$", 3: "3\n$", 4: "4\n$"}, c.logs)
}

func TestSentinelComesBeforeTheResponse(t *testing.T) {
	c := newContainer(t, Counted, "")
	a := c.begin()
	c.print(Stdout, "a\n"+mark)
	c.print(Stderr, mark)
	require.False(t, c.Needs(Stdout), "while an activation runs nothing is to be read")
	c.read(100)
	require.Equal(t, map[int]string{0: "a\n"}, c.logs)
	c.end(a)
	require.Equal(t, map[int]string{0: "a\n$"}, c.logs)
}

func TestStreamIsNotNeededBehindItsSentinel(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run(mark, "")
	require.False(t, c.Needs(Stdout))
	require.True(t, c.Needs(Stderr))
	c.begin()
	require.False(t, c.Needs(Stdout), "its activation is not over")
}

func TestLinesOfAllKinds(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 3<<10) // 48 KiB
	split := maxLine - len(Sentinel) - 1
	for name, c := range map[string]struct{ printed, log string }{
		"CRLF":                              {"a\r\nb\r\n" + Sentinel + "\r\n", "a\nb\n$"},
		"carriage return within a line":     {"10%\r20%\n" + mark, "10%\r20%\n$"},
		"empty lines":                       {"\n\n\r\n" + mark, "\n\n\n$"},
		"no newline before the sentinel":    {"a" + mark, "a\n$"},
		"what only looks like the sentinel": {Sentinel[1:] + "\n" + Sentinel + "x\n " + Sentinel + " \n" + mark, Sentinel[1:] + "\n" + Sentinel + "x\n " + Sentinel + " \n$"},
		"invalid UTF-8":                     {"a\xff\xfeb\xe2\x82\n\xf0\n" + mark, "a\uFFFDb\uFFFD\n\uFFFD\n$"},
		"other characters":                  {"\x00\x1b[31mé€😀\n" + mark, "\x00\x1b[31mé€😀\n$"},
		"long line":                         {long[:maxLine+1] + "\n" + mark, long[:split] + "\n" + long[split:maxLine+1] + "\n$"},
		"long line as long as can be":       {long[:maxLine] + "\n" + mark, long[:maxLine] + "\n$"},
		"long line before the sentinel":     {long[:maxLine] + mark, long[:split] + "\n" + long[split:maxLine] + "\n$"},
		"long line that fits before it":     {long[:split] + mark, long[:split] + "\n$"},
	} {
		for _, n := range []int{1, 2, 5, 38, 1000, 1 << 20} {
			t.Run(fmt.Sprintf("%s, %d bytes a read", name, n), func(t *testing.T) {
				c1 := newContainer(t, Counted, "")
				a, _ := c1.Begin(1<<20, [2]int64{})
				c1.print(Stdout, c.printed)
				c1.print(Stderr, mark)
				c1.end(a)
				c1.read(n)
				require.Equal(t, c.log, c1.logs[0])
				require.Equal(t, int64(len(c.printed)), c1.Offset(Stdout), "replaced bytes count as they were")
			})
		}
	}
}

func TestLineOf50MBTakesLittleMemory(t *testing.T) {
	c := New(Counted, [2]int64{})
	n, _ := c.Begin(100_000, [2]int64{})
	c.Ended(n, time.Time{}.Add(1))
	chunk := []byte(strings.Repeat("x", 64<<10))
	kept := 0
	for offset := int64(0); offset < 50<<20; offset += int64(len(chunk)) {
		for _, p := range c.Bytes(Stdout, offset, chunk, time.Time{}) {
			kept += len(p.Text)
		}
		require.LessOrEqual(t, cap(c.streams[Stdout].line), 2*maxLine)
	}
	require.Equal(t, 100_000+len("The log was truncated: it has more than 100000 bytes.\n"), kept-1, "the line was cut, and a newline added")
	c.Bytes(Stdout, 50<<20, []byte(mark), time.Time{})
	require.Equal(t, []Piece{{Slice: n, End: true}}, c.Bytes(Stderr, 0, []byte(mark), time.Time{}))
	require.Nil(t, c.streams[Stdout].line, "an idle container has no buffer")
}

func TestNothingIsKeptOfWhatWasCut(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run(strings.Repeat("x\n", 400)+mark, mark)
	require.Contains(t, c.logs[0], "x\n$")
	require.NotZero(t, cap(c.Cutter.pieces))
	require.Zero(t, c.Open())
	c.Overdue(c.now)
	for _, p := range c.Cutter.pieces[:cap(c.Cutter.pieces)] {
		require.Zero(t, p)
	}
}

func TestLimitCutsBetweenCharactersAndReadsOn(t *testing.T) {
	const notice = "!The log was truncated: it has more than 5 bytes.\n"
	for name, c := range map[string]struct{ out, err, log string }{
		"reached exactly":    {"abcd\n", "", "abcd\n$"},
		"in a line":          {"abcdefgh\nmore\n", "more\n", "abcde\n" + notice + "$"},
		"after a line":       {"abcd\ne\n", "", "abcd\n" + notice + "$"},
		"in a character":     {"abc€\n", "", "abc\n" + notice + "$"},
		"before a character": {"abcde€\n", "", "abcde\n" + notice + "$"},
		"of both streams":    {"abc\n", "d\n", "abc\n!d\n" + notice + "$"},
	} {
		t.Run(name, func(t *testing.T) {
			c1 := newContainer(t, Counted, "")
			a, _ := c1.Begin(5, [2]int64{})
			c1.print(Stdout, c.out+mark+"next\n"+mark)
			c1.print(Stderr, c.err+mark+mark)
			c1.end(a)
			c1.read(1 << 10)
			require.Equal(t, c.log, c1.logs[0])
			b, _ := c1.Begin(5, [2]int64{})
			c1.end(b)
			c1.read(1 << 10)
			require.Equal(t, "next\n$", c1.logs[1])
		})
	}
}

func TestMissingSentinelClosesAfterTwoSecondsWithoutAByte(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n", mark)
	c.silent(1500 * time.Millisecond)
	c.print(Stdout, "b")
	c.read(100)
	c.silent(2*time.Second - 1)
	require.Equal(t, map[int]string{0: "a\n"}, c.logs)
	c.silent(1)
	require.Equal(t, map[int]string{0: "a\nb\n!" + unmarked + "\n$"}, c.logs)
	require.Equal(t, Serial, c.Mode())
}

func TestBytesOfAStreamWithItsSentinelDoNotProlongTheWaiting(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n", mark)
	c.begin() // its output follows on stderr
	c.silent(time.Second)
	c.print(Stderr, "b\n")
	c.read(100)
	c.silent(time.Second)
	require.Equal(t, "a\n!"+unmarked+"\n$", c.logs[0])
}

func TestSentinelWithoutNewlineAtTheEndIsOne(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n"+Sentinel, Sentinel)
	c.silent(2 * time.Second)
	require.Equal(t, map[int]string{0: "a\n$"}, c.logs)
	require.Equal(t, Counted, c.Mode())
}

func TestSerialContainerIsCutWhereItsStreamsEndedBeforeEachActivation(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n", "")
	c.silent(2 * time.Second)
	c.print(Stdout, "of nobody\n"+mark) // late
	c.run("b\n", "c")
	c.run("d\n"+mark, mark)
	c.run("e", "")
	c.silent(2 * time.Second)
	require.Equal(t, map[int]string{
		0: "a\n!" + unmarked + "\n$", 1: "b\n!c\n!" + unmarked + "\n$", 2: "d\n$", 3: "e\n!" + unmarked + "\n$",
	}, c.logs)
}

func TestContainerWithoutSentinelsIsSerialFromTheBeginning(t *testing.T) {
	c := newContainer(t, Serial, "of nobody\n")
	c.run("a\n", "")
	require.True(t, c.Needs(Stdout))
	c.run("b\n", "")
	require.Equal(t, map[int]string{0: "a\n!" + unmarked + "\n$", 1: "b\n"}, c.logs)
	c.silent(2 * time.Second)
	require.False(t, c.Needs(Stdout))
	require.Equal(t, "b\n!"+unmarked+"\n$", c.logs[1])
}

func TestActivationThatRunsWhileASentinelIsFoundMissing(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n", "")
	b := c.begin()
	c.silent(2 * time.Second)
	require.Equal(t, "a\n!"+unmarked+"\n$", c.logs[0])
	c.print(Stdout, "b\n"+mark)
	c.print(Stderr, mark)
	c.end(b)
	c.read(100)
	c.run("c\n", "")
	require.Equal(t, "b\n$", c.logs[1])
}

func TestFailedInitPrintsSentinelsAndAGoodOneNone(t *testing.T) {
	c := newContainer(t, Counted, "")
	n := c.begin()
	c.print(Stdout, "printed by init\n")
	c.print(Stdout, "printed by run\n"+mark)
	c.print(Stderr, mark)
	c.end(n)
	c.read(100)
	require.Equal(t, "printed by init\nprinted by run\n$", c.logs[0])

	failed := newContainer(t, Counted, "")
	failed.run(mark, "SyntaxError\n"+mark)
	require.Equal(t, "!SyntaxError\n$", failed.logs[0])
}

func TestWithdrawnActivationLeavesItsOutputToTheNext(t *testing.T) {
	c := newContainer(t, Counted, "")
	n := c.begin()
	c.print(Stdout, "printed by init\n")
	c.pieces(c.Withdraw(n, c.now))
	require.Equal(t, "$", c.logs[0])
	clear(c.logs)
	c.run("a\n"+mark, mark)
	require.Equal(t, map[int]string{0: "printed by init\na\n$"}, c.logs)
}

func TestContainerIsGoneWithItsSentinels(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\nb", "")
	c.pieces(c.Silent(c.now, true))
	require.Equal(t, "a\nb\n!"+unmarked+"\n$", c.logs[0])
}

func TestOutputWithoutEndIsClosedAfterHalfAMinute(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.run("a\n", mark)
	c.now = c.now.Add(30*time.Second - 1)
	c.print(Stdout, "b\n")
	c.read(100)
	c.pieces(c.Overdue(c.now))
	require.Equal(t, "a\nb\n", c.logs[0])
	c.now = c.now.Add(1)
	c.pieces(c.Overdue(c.now))
	require.Equal(t, "a\nb\n!The output did not end within 30s after the activation: the rest is left out.\n$", c.logs[0])
	c.print(Stdout, "c\n")
	c.run("d\n", "")
	c.run("", "")
	require.Equal(t, "d\n!"+unmarked+"\n$", c.logs[1], "what came too late is in no slice")
}

func TestOutputThatCannotBeReadIsLeftOutWhenItCanLater(t *testing.T) {
	c := newContainer(t, Counted, "")
	a, b := c.begin(), c.begin()
	c.print(Stdout, "a\n"+mark+"b\n"+mark)
	c.print(Stderr, mark+mark)
	c.end(a)
	c.pieces(c.Fail("no"))
	c.end(b)
	c.read(100)
	require.Equal(t, map[int]string{0: "!no\n$", 1: "b\n$"}, c.logs, "sentinels still count")
	require.Equal(t, Counted, c.Mode())
}

func TestLostBytesAreSaidAndSentinelsCountNoMore(t *testing.T) {
	c := newContainer(t, Counted, "")
	c.begin()
	c.end(0)
	c.begin()
	c.print(Stdout, "a\n"+mark+"b\n")
	c.pieces(c.Lost(Stdout, 10))
	c.read(100)
	require.Equal(t, "!10 bytes of stdout or more are lost here.\n!"+unmarked+"\n$", c.logs[0])
	require.Equal(t, Serial, c.Mode())
	require.Equal(t, Sentinel[8:]+"\nb\n", c.logs[1])
}

func TestOffsetsAsLargeAsCanBe(t *testing.T) {
	c := newContainer(t, Counted, "")
	a := c.begin()
	c.pieces(c.Lost(Stdout, math.MaxInt64))
	c.pieces(c.Bytes(Stdout, math.MaxInt64, []byte("a\n"), c.now))
	c.end(a)
	c.silent(2 * time.Second)
	require.Contains(t, c.logs[a], "$")
}

func TestBytesThatAreGivenTwiceAreIgnored(t *testing.T) {
	c := New(Counted, [2]int64{10, 10})
	c.Begin(100, [2]int64{})
	require.Equal(t, []Piece{{Text: "a\n"}}, c.Bytes(Stdout, 8, []byte("xxa\n"), time.Time{}))
	require.Empty(t, c.Bytes(Stdout, 8, []byte("xxa\n"), time.Time{}))
	require.Equal(t, []Piece{{Text: "b\n"}}, c.Bytes(Stdout, 11, []byte("\nb\n"), time.Time{}))
}

func TestSharedContainerGivesEachActivationAllOutput(t *testing.T) {
	const notice = "!The container runs several activations at once: this is the output of all of them.\n"
	c := newContainer(t, Shared, "")
	a, b := c.begin(), c.begin()
	c.print(Stdout, "1\n"+mark)
	c.end(b)
	c.read(100)
	c.silent(Settle)
	require.Equal(t, map[int]string{a: notice + "1\n", b: notice + "1\n$"}, c.logs)
	c.print(Stderr, "2")
	c.end(a)
	c.read(100)
	c.silent(Settle - 1)
	require.Equal(t, notice+"1\n", c.logs[a])
	c.silent(1)
	require.Equal(t, notice+"1\n!2\n$", c.logs[a])
}

func TestThousandsOfOpenSlicesCostNothingEach(t *testing.T) {
	const many = 50_000
	c := New(Counted, [2]int64{})
	for range many {
		n, _ := c.Begin(100, [2]int64{})
		c.Ended(n, time.Unix(1, 0))
	}
	marks := []byte(strings.Repeat(mark, many))
	c.Bytes(Stdout, 0, marks, time.Unix(1, 0))
	require.Len(t, c.Bytes(Stderr, 0, marks, time.Unix(1, 0)), many) // with a search among all for each this takes seconds
	require.Zero(t, c.Open())
}
