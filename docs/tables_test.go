package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"inorder/dev/testenv"
)

// columnsSQL returns one row per column, formatted as docs/tables.md writes it.
const columnsSQL = `
SELECT column_name, replace(replace(CASE WHEN character_maximum_length IS NULL THEN data_type ELSE format('varchar(%s)', character_maximum_length) END,
       'timestamp with time zone', 'timestamptz'), 'character varying', 'varchar'), is_nullable = 'YES' OR is_view AS nullable
FROM information_schema.columns JOIN (SELECT table_name AS name, table_type = 'VIEW' AS is_view FROM information_schema.tables WHERE table_schema = 'public') t
     ON t.name = table_name
WHERE table_schema = 'public' AND table_name = $1`

type column struct {
	Name, Type string
	Nullable   bool
}

// The tables have the columns that the document shows, with these types, and they are nullable where it says so.
func TestTablesAreThoseOfTheMigrations(t *testing.T) {
	db := testenv.Database(t)
	heading := regexp.MustCompile("(?m)^## `(\\w+)`$")
	text := read(t, "docs/tables.md")
	tables := heading.FindAllStringSubmatchIndex(text, -1)
	require.Len(t, tables, 8)
	for i, at := range tables {
		name, end := text[at[2]:at[3]], len(text)
		if i+1 < len(tables) {
			end = tables[i+1][0]
		}
		result, err := db.Query(t.Context(), columnsSQL, name)
		require.NoError(t, err)
		columns, err := pgx.CollectRows(result, pgx.RowToStructByPos[column])
		require.NoError(t, err)

		var documented []column
		for _, row := range rowsOf(text[at[1]:end]) {
			documented = append(documented, column{strings.Trim(row[0], "`"), row[1], !strings.HasPrefix(row[2], "no")})
		}
		if name == "order_refunds" { // PostgreSQL doesn't know which columns of a view may be null
			for i := range documented {
				documented[i].Nullable = true
			}
		}
		require.ElementsMatch(t, columns, documented, name)
	}
}

// The newest schema accepts every statement that a document shows in a block of SQL.
func TestShownSQLIsRight(t *testing.T) {
	db := testenv.Database(t)
	block := regexp.MustCompile("(?s)```sql\n(.*?)```")
	var shown int
	for _, document := range documents(t) {
		for _, m := range block.FindAllStringSubmatch(read(t, document), -1) {
			for statement := range strings.SplitSeq(strings.TrimSpace(m[1]), ";") {
				if statement = strings.TrimSpace(statement); statement == "" {
					continue
				}
				shown++
				_, err := db.Exec(t.Context(), "EXPLAIN "+statement)
				require.NoError(t, err, "%s: %s", document, statement)
			}
		}
	}
	require.Greater(t, shown, 5)
}
