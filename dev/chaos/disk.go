package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgxpool"

	"inorder/dev/stack"
)

// disk is a file system in memory (tmpfs) for PostgreSQL's data alone. To fill it, its size is reduced to what is in use.
type disk struct{ dir string }

const diskSize = "2g" // most of it is never used

// newDisk moves the data of a running PostgreSQL onto a disk, and restarts PostgreSQL. It needs Linux, root and the right to mount.
func newDisk(ctx context.Context, s *stack.Stack, pool *pgxpool.Pool) (*disk, error) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, errors.New("they need root on Linux")
	}
	d := &disk{}
	if err := pool.QueryRow(ctx, `SHOW data_directory`).Scan(&d.dir); err != nil {
		return nil, err
	}
	pool.Reset()
	if err := s.Postgres.Stop(); err != nil {
		return nil, err
	}
	err := d.move()
	return d.orNil(err), errors.Join(err, s.Postgres.Start(ctx))
}

func (d *disk) orNil(err error) *disk {
	if err != nil {
		return nil
	}
	return d
}

// move copies the data onto the disk, then mounts the disk over the data directory.
func (d *disk) move() error {
	unfinished := filepath.Clean(d.dir) + ".disk"
	if err := os.Mkdir(unfinished, 0o700); err != nil {
		return err
	}
	defer os.Remove(unfinished)
	if err := run("mount", "-t", "tmpfs", "-o", "mode=700,size="+diskSize, "tmpfs", unfinished); err != nil {
		return err
	}
	if err := errors.Join(run("cp", "-a", d.dir+"/.", unfinished), run("mount", "--bind", unfinished, d.dir)); err != nil {
		return errors.Join(err, run("umount", unfinished))
	}
	return run("umount", unfinished)
}

// fill leaves no free space on the disk.
func (d *disk) fill() error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &st); err != nil {
		return err
	}
	used := (st.Blocks - st.Bfree) * uint64(st.Bsize)
	return d.resize(fmt.Sprint(used))
}

// free undoes fill.
func (d *disk) free() error { return d.resize(diskSize) }

func (d *disk) resize(size string) error { return run("mount", "-o", "remount,size="+size, d.dir) }

// remove unmounts the disk. PostgreSQL must not be running.
func (d *disk) remove() error { return run("umount", d.dir) }

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
