package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	sizeSQL = `SELECT pg_database_size(current_database())`

	largestSQL = `
SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_class g ON g.oid = to_regclass('goose_db_version') AND g.relnamespace = c.relnamespace
WHERE c.relkind IN ('r', 'p') ORDER BY 2 DESC LIMIT 3`

	// Slots that nobody reads keep WAL for ever: the most frequent way to a full disk.
	slotsSQL = `
SELECT slot_name::text, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint FROM pg_replication_slots
WHERE restart_lsn IS NOT NULL AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > $1 ORDER BY 1`

	directorySQL = `SELECT current_setting('data_directory')`
)

const (
	gib     = 1 << 30
	keptWAL = 4 * gib

	lowShare, fewShare = 0.05, 0.15 // the part of a disk that is free
	lowBytes           = 2 * gib
)

// disk reports how large the database is and, where it can be seen, how much room it has: only on PostgreSQL's own machine, by a role that may
// read all settings.
func (p Postgres) disk(ctx context.Context) ([]Finding, error) {
	var size int64
	if err := p.Pool.QueryRow(ctx, sizeSQL).Scan(&size); err != nil {
		return nil, err
	}
	rows, err := p.Pool.Query(ctx, largestSQL)
	if err != nil {
		return nil, err
	}
	largest, err := pgx.CollectRows(rows, sized)
	if err != nil {
		return nil, err
	}
	if rows, err = p.Pool.Query(ctx, slotsSQL, int64(keptWAL)); err != nil {
		return nil, err
	}
	slots, err := pgx.CollectRows(rows, sized)
	if err != nil {
		return nil, err
	}
	has := "the database has " + bytesOf(size)
	if len(largest) > 0 {
		has += ", most of it " + strings.Join(largest, ", ")
	}
	found := []Finding{p.room(ctx, has)}
	if len(slots) > 0 {
		found = append(found, Fails("disk", "Restart what reads them, or drop them: SELECT pg_drop_replication_slot('…').", "replication slots that nobody reads keep WAL: %s",
			strings.Join(slots, ", ")))
	}
	return found, nil
}

func sized(row pgx.CollectableRow) (string, error) {
	var name string
	var size int64
	err := row.Scan(&name, &size)
	return name + " " + bytesOf(size), err
}

// room reports how much of the disk is free or, if that can't be seen, only how large the database is.
func (p Postgres) room(ctx context.Context, has string) Finding {
	free, total, err := p.free(ctx)
	if err != nil {
		return Noted("disk", "Watch the free space of PostgreSQL's disk, and of Temporal's.", "%s; how much is free can't be seen from here: %s", has, oneLine(err))
	}
	share := float64(free) / float64(total)
	says := fmt.Sprintf("%s; %s of %s are free", has, bytesOf(free), bytesOf(total))
	const do = "Give PostgreSQL's disk more room, or shorten EVENT_RETENTION or PAYLOAD_RETENTION: on a full disk every delivery that Temporal does not take is refused."
	switch {
	case share < lowShare || free < lowBytes:
		return Fails("disk", do, "%s", says)
	case share < fewShare:
		return Noted("disk", do, "%s", says)
	}
	return Well("disk", "%s", says)
}

func (p Postgres) free(ctx context.Context) (free, total int64, err error) {
	if !isHere(p.Pool.Config().ConnConfig.Host) {
		return 0, 0, errors.New("PostgreSQL runs elsewhere")
	}
	var directory string
	if err := p.Pool.QueryRow(ctx, directorySQL).Scan(&directory); err != nil {
		return 0, 0, errors.New("this role may not read data_directory")
	}
	free, total, err = freeOf(directory)
	for errors.Is(err, os.ErrPermission) && directory != filepath.Dir(directory) { // without permission for this directory, ask about its parent
		directory = filepath.Dir(directory)
		free, total, err = freeOf(directory)
	}
	return free, total, err
}

func isHere(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || host == "localhost" || ip != nil && ip.IsLoopback()
}

// bytesOf returns a size as people read it.
func bytesOf(n int64) string {
	for _, unit := range []struct {
		size int64
		name string
	}{{gib, "GiB"}, {1 << 20, "MiB"}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
