// Package logs watches lines of journals and files, and tells of those that match by
// events.
//
//	journalctl ──┐ bytes             line ─► Watch: join ─► match ─► limit ──┐
//	(here, SSH)  ├──────► decoder ──►  ⋮     (one a watcher, pure)           ├─► tell ─► Update
//	file ────────┘        splitter   line ─► Watch ──────────────────────────┘  events   place
//
// A [Journal] follows the journal of one machine for all watchers of its units, a
// [File] one file for one watcher. Both are loops: Run does everything in its own
// goroutine, so that one which hangs stops beating.
//
// # Neither lost nor repeated
//
// What is remembered (a [State]) is the place in the journal or file behind the last
// line that every watcher is done with, and for each watcher its own place, which may
// be further on. It is stored after the events are told. A crash in between has the
// lines read again: they make events with the ids that they had, which the event log
// drops, since an id is the hash of the line's place and of what matched. What counts
// the rate of events goes by the lines' own times for the same reason.
//
// # The journal
//
// journalctl is asked for everything, not for the units alone: an entry has a sequence
// number, and only of all entries together can be said that none is missing. Where
// some are (vacuumed before they were read, or dropped by journald, which says so), the
// watchers tell of a gap. Entries are read in the export format, which takes half of
// JSON's work to make, and holds binary and endless messages without an encoding. The
// place is asked for with --cursor and the entry there passed over: --after-cursor
// passes over the next one where that entry is gone.
//
// # Files
//
// The place in a file is device, inode and offset, and the hash of what stands before
// it. A read begins that much earlier, so that one read tells both what is new and that
// the file is still the one that it was: renamed, copied and cut off, written anew. Then
// the rest is looked for among the files whose names begin alike, and read before what
// came later.
package logs
