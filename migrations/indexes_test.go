package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
	"inorder/migrations"
)

func TestIndexesAreThoseOfTheSchema(t *testing.T) {
	t.Parallel()
	rows, err := testenv.Database(t).Query(t.Context(), `
SELECT i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE 'goose%'
AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid AND c.contype IN ('p', 'u')) ORDER BY i.relname COLLATE "C"`)
	require.NoError(t, err)
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	require.Equal(t, there, migrations.Indexes())
}
