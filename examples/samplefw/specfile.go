package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/mesos-actor/mesos-actor-go/task"
)

// readSpecs returns the tasks in a file, or with "-" on the standard input: YAML or JSON with the fields of task.Spec; one, a
// list, or several documents.
func readSpecs(name string, stdin io.Reader) ([]task.Spec, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	specs, err := parseSpecs(from)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return specs, nil
}

func parseSpecs(from io.Reader) ([]task.Spec, error) {
	var specs []task.Spec
	for documents := yaml.NewDecoder(from); ; { // JSON is YAML as well
		var document yaml.Node
		switch err := documents.Decode(&document); {
		case errors.Is(err, io.EOF) && specs == nil:
			return nil, errors.New("there is no task in it")
		case errors.Is(err, io.EOF):
			return specs, nil
		case err != nil:
			return nil, err
		}
		nodes := document.Content
		if nodes[0].Kind == yaml.SequenceNode {
			nodes = nodes[0].Content
		}
		for _, node := range nodes {
			spec, err := parseSpec(node)
			if err != nil {
				return nil, fmt.Errorf("the task in line %d: %w", node.Line, err)
			}
			specs = append(specs, spec)
		}
	}
}

// parseSpec decodes a task by its JSON, so that fields have the names and forms that they have in the API.
func parseSpec(node *yaml.Node) (spec task.Spec, err error) {
	var value map[string]any
	if err := node.Decode(&value); err != nil {
		return spec, err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return spec, err
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&spec)
	var mistyped *json.UnmarshalTypeError
	if name, unknown := strings.CutPrefix(fmt.Sprint(err), "json: unknown field "); unknown {
		return spec, fmt.Errorf("there is no field %s", name)
	} else if errors.As(err, &mistyped) {
		return spec, fmt.Errorf("%s is a %s in place of a %s", mistyped.Field, mistyped.Value, mistyped.Type)
	}
	return spec, err
}
