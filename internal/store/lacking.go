package store

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"

	"inorder"
)

// lackings says, by the SQLSTATE of what a database lacks, what to do about it.
var lackings = map[string]string{
	"42P01": renamed,                                                                                                                                  // undefined_table
	"42703": renamed,                                                                                                                                  // undefined_column
	"42883": renamed,                                                                                                                                  // undefined_function
	"42704": renamed,                                                                                                                                  // undefined_object
	"3F000": renamed,                                                                                                                                  // invalid_schema_name
	"42501": "grant that permission to the role of DATABASE_URL; `inorder migrate --grant ROLE`, run as the tables' owner, grants all that is needed", // insufficient_privilege
}

const renamed = "it was renamed or dropped, or the schema is of an older version, which `inorder migrate` upgrades"

// Lacking returns which table, column or permission is missing and what to do about it, or "" for any other error. PostgreSQL's
// message names only what the statement named. One that a function in the database raised may quote data, and isn't shown.
func Lacking(err error) string {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return ""
	}
	todo := lackings[pg.Code]
	switch {
	case todo == "":
		return ""
	case pg.Where != "" || pg.Message == "":
		return "a function or a trigger in the database refuses it, SQLSTATE " + pg.Code
	}
	return inorder.Bounded(pg.Message) + ": " + todo
}

// lackingError says in words what a database lacks.
type lackingError struct{ cause error }

func (e *lackingError) Error() string { return Lacking(e.cause) }
func (e *lackingError) Unwrap() error { return e.cause }
