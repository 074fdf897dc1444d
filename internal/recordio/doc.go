// Package recordio reads and writes RecordIO, the framing of Mesos event streams: each frame is its length in
// bytes as a decimal number, a newline, and that many bytes; nothing stands between two frames.
//
// It promises that no input makes a Reader panic, hang or hold more memory than twice the part of a frame that has arrived,
// and 16 KiB, whatever length the frame claims, and while it grows its outgrown buffer; that it makes no difference how the
// bytes are split into reads; and that neither Reader nor Writer allocates per frame once its buffer has reached the size of
// the largest frame. The buffer keeps that size for the life of the Writer, and of the Reader up to 1 MiB: a larger one is let
// go when the next frame is read.
//
// A length is accepted only in the one form that Mesos writes: 1 to 19 digits without sign, blanks, carriage
// return or leading zeros. Everything else means that the framing is lost: to go on would take payload for
// lengths. A frame of length zero is a frame (an empty message is valid protobuf), never skipped.
//
// It does not know what is inside a frame, and it starts no goroutines.
package recordio
