// Package whiskconf reads the settings of an OpenWhisk invoker.
package whiskconf
