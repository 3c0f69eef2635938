// Package eventlog keeps the events that this machine's clmgr has made, as lines
// of JSON in the state folder, for people, scripts and alerts to list or follow.
//
//	Append ──► events.jsonl ──(over MaxSize)──► events.jsonl.000007 ──(older than Keep)──► dropped
//	                 ▲                                   ▲
//	                 └────── List, Follow, After ────────┘   oldest first
//
// The log does not know what an event is: a line is a JSON object with at least
// "id" (a non-empty string, unique for the event) and "time" (RFC 3339).
//
// # Writing
//
// Appends of several processes are ordered by a lock on events.jsonl.lock. One
// batch is one write(2) and one fsync; Append returns when the batch would
// survive a power loss. A batch whose acknowledgment was lost may be appended
// again: ids that stand in the last mebibyte of the log (more for a large batch)
// are left out. A line torn by a crash or a full disk is ended by the next
// Append, so that it spoils nothing but itself.
//
// # Rotating and dropping
//
// A file that the next batch would push over MaxSize is renamed to the next
// free number; the number of a file never changes, so readers need no lock. A
// batch larger than MaxSize gets a file of its own. Every Append first removes
// the rotated files that were last written to more than Keep ago, whole files
// only, oldest first, but never the newest of them, which holds the numbers and
// the ids of the last batches together. An event is therefore kept for at least
// Keep, and for as long after that as its file is not rotated, is not the newest
// rotated one, or nothing is appended.
//
// # Reading
//
// Readers take no lock and hold no more than a line, a file and the last ids in
// memory. A line that is no event is skipped and told as an [Unreadable], which
// is a warning. An id that was read before, within the last 16,384, is dropped.
// A [Place] is where a reader goes on later, in another process.
package eventlog
