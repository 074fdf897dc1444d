package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkStart measures a command that asks nobody, from the start of its process to the end, and for comparison a program that
// does nothing.
func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	require.NoError(b, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() {}\n"), 0o644))
	for name, source := range map[string]string{"samplefw": ".", "empty": filepath.Join(dir, "main.go")} {
		program := filepath.Join(dir, name)
		output, err := exec.Command("go", "build", "-o", program, source).CombinedOutput()
		require.NoError(b, err, "%s", output)
		b.Run("program="+name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				require.NoError(b, exec.Command(program, "ls", "--help").Run())
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
