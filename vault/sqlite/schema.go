package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewer says that a newer program wrote the file.
var ErrNewer = errors.New("the vault file was written by a newer firsttap")

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema forward to the newest that this program knows. It
// never goes back, and leaves a newer schema alone with ErrNewer.
func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	return migrateTo(ctx, db, files)
}

func migrateTo(ctx context.Context, db *sql.DB, files fs.FS) error {
	steps, err := goose.NewProvider(goose.DialectSQLite3, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	sources := steps.ListSources()
	known := sources[len(sources)-1].Version
	stands, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	if stands > known {
		return fmt.Errorf("%w: its schema is version %d, this program knows up to %d; use the newer program or a backup from before its upgrade", ErrNewer, stands, known)
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrating the schema from version %d to %d: %w", stands, known, err)
	}
	return nil
}
