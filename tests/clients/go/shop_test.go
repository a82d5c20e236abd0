// Package shop asks ADBC's Flight SQL driver for Go the questions that every client asks.
package shop

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-adbc/go/adbc"
	"github.com/apache/arrow-adbc/go/adbc/driver/flightsql"
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// endless runs far longer than soon.
const (
	endless = "SELECT sum(a.value % (b.value + 1)) FROM generate_series(1, 100000000) a, generate_series(1, 1000000) b"
	soon    = time.Minute
)

// options says where the shop is and who asks.
func options(user, password string) map[string]string {
	authority, err := os.ReadFile(os.Getenv("SHOP_AUTHORITY"))
	if err != nil {
		panic(err)
	}
	return map[string]string{
		adbc.OptionKeyURI:                "grpc+tls://localhost:" + os.Getenv("SHOP_PORT"),
		adbc.OptionKeyUsername:           user,
		adbc.OptionKeyPassword:           password,
		flightsql.OptionSSLRootCerts:     string(authority),
		flightsql.OptionCookieMiddleware: adbc.OptionValueEnabled,
	}
}

func connect(t *testing.T, user string) adbc.Connection {
	t.Helper()
	database, err := flightsql.NewDriver(memory.DefaultAllocator).NewDatabase(options(user, user))
	if err != nil {
		t.Fatal(err)
	}
	connection, err := database.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(connection.Close(), database.Close()); err != nil {
			t.Error(err)
		}
	})
	return connection
}

// ask returns all rows as texts; nil for NULL.
func ask(ctx context.Context, connection adbc.Connection, sql string, parameters []any) ([][]any, error) {
	statement, err := connection.NewStatement()
	if err != nil {
		return nil, err
	}
	defer func() { _ = statement.Close() }()
	if err := statement.SetSqlQuery(sql); err != nil {
		return nil, err
	}
	if len(parameters) > 0 {
		if err := statement.Prepare(ctx); err != nil {
			return nil, err
		}
		if err := statement.Bind(ctx, row(parameters)); err != nil {
			return nil, err
		}
	}
	reader, _, err := statement.ExecuteQuery(ctx)
	if err != nil {
		return nil, err
	}
	return all(reader)
}

func all(reader array.RecordReader) ([][]any, error) {
	defer reader.Release()
	rows := [][]any{}
	for reader.Next() {
		batch := reader.RecordBatch()
		for i := range int(batch.NumRows()) {
			cells := []any{}
			for _, column := range batch.Columns() {
				cells = append(cells, cell(column, i))
			}
			rows = append(rows, cells)
		}
	}
	return rows, reader.Err()
}

func cell(column arrow.Array, i int) any {
	if column.IsNull(i) || column.DataType().ID() == arrow.NULL {
		return nil
	}
	if numbers, ok := column.(*array.Decimal128); ok {
		// As text it would lose its last zeros.
		return numbers.Value(i).ToString(numbers.DataType().(*arrow.Decimal128Type).Scale)
	}
	return column.ValueStr(i)
}

// row is the one row of these values: texts, whole numbers, and nil.
func row(values []any) arrow.RecordBatch {
	fields, columns := []arrow.Field{}, []arrow.Array{}
	for _, value := range values {
		var builder array.Builder
		switch value := value.(type) {
		case nil:
			builder = array.NewNullBuilder(memory.DefaultAllocator)
			builder.AppendNull()
		case float64:
			builder = array.NewInt64Builder(memory.DefaultAllocator)
			builder.(*array.Int64Builder).Append(int64(value))
		case string:
			builder = array.NewStringBuilder(memory.DefaultAllocator)
			builder.(*array.StringBuilder).Append(value)
		}
		fields = append(fields, arrow.Field{Name: "p", Type: builder.Type(), Nullable: true})
		columns = append(columns, builder.NewArray())
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 1)
}

// answer is what a user must get: rows, or an error.
type answer struct {
	Rows  [][]any
	Error string
	Text  string
}

func TestSharedQueries(t *testing.T) {
	text, err := os.ReadFile(os.Getenv("SHOP_QUERIES"))
	if err != nil {
		t.Fatal(err)
	}
	var queries []struct {
		answer
		Name, Sql  string
		Parameters []any
		Ann, Sam   *answer
	}
	if err := json.Unmarshal(text, &queries); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"ann", "sam"} {
		connection := connect(t, user)
		for _, query := range queries {
			expected := &query.answer
			if own := map[string]*answer{"ann": query.Ann, "sam": query.Sam}[user]; own != nil {
				expected = own
			}
			t.Run(user+" "+query.Name, func(t *testing.T) {
				rows, err := ask(context.Background(), connection, query.Sql, query.Parameters)
				check(t, rows, err, expected)
			})
		}
	}
}

func check(t *testing.T, rows [][]any, err error, expected *answer) {
	t.Helper()
	if expected.Error == "" {
		if err != nil {
			t.Fatal(err)
		}
		for _, cells := range expected.Rows {
			for i, cell := range cells {
				switch value := cell.(type) {
				case float64, bool:
					text, _ := json.Marshal(value)
					cells[i] = string(text)
				}
			}
		}
		if len(rows)+len(expected.Rows) > 0 && !reflect.DeepEqual(rows, expected.Rows) {
			t.Errorf("expected %v\nactual   %v", expected.Rows, rows)
		}
		return
	}
	var told adbc.Error
	if !errors.As(err, &told) {
		t.Fatalf("no error of ADBC, but %v", err)
	}
	codes := map[string]adbc.Status{"INVALID_ARGUMENT": adbc.StatusInvalidArgument, "NOT_FOUND": adbc.StatusNotFound}
	if told.Code != codes[expected.Error] || !strings.Contains(told.Msg, expected.Text) {
		t.Errorf("expected %s %q, got %v", expected.Error, expected.Text, told)
	}
}

func TestWrongPassword(t *testing.T) {
	database, err := flightsql.NewDriver(memory.DefaultAllocator).NewDatabase(options("sam", "wrong"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = database.Open(context.Background())
	var told adbc.Error
	if !errors.As(err, &told) || told.Code != adbc.StatusUnauthenticated {
		t.Errorf("expected UNAUTHENTICATED, got %v", err)
	}
}

func TestPartitionIsReadOnAnotherConnectionOfTheSameUser(t *testing.T) {
	ctx := context.Background()
	statement, err := connect(t, "ann").NewStatement()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = statement.Close() }()
	if err := statement.SetSqlQuery("SELECT count(*) FROM sales.orders"); err != nil {
		t.Fatal(err)
	}
	_, partitions, _, err := statement.ExecutePartitions(ctx)
	if err != nil || partitions.NumPartitions == 0 {
		t.Fatal(partitions, err)
	}
	reader, err := connect(t, "ann").ReadPartition(ctx, partitions.PartitionIDs[0])
	if err != nil {
		t.Fatal(err)
	}
	if rows, err := all(reader); err != nil || !reflect.DeepEqual(rows, [][]any{{"750"}}) {
		t.Error(rows, err)
	}
	if reader, err = connect(t, "sam").ReadPartition(ctx, partitions.PartitionIDs[0]); err == nil {
		rows, err := all(reader)
		if err == nil {
			t.Error("another user reads", rows)
		}
	}
}

func TestObjectsAreTheReadersOwn(t *testing.T) {
	for user, expected := range map[string]bool{"ann": false, "sam": true} {
		reader, err := connect(t, user).GetObjects(context.Background(), adbc.ObjectDepthAll, nil, nil, nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := all(reader)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(rows)
		if strings.Contains(string(text), "margin") != expected || !strings.Contains(string(text), "order_id") {
			t.Errorf("%s: %s", user, text)
		}
	}
}

func TestDeadlineAndCancelOfAContextEndAQuery(t *testing.T) {
	connection, begun := connect(t, "sam"), time.Now()
	deadline, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	cancelled, stop := context.WithCancel(context.Background())
	time.AfterFunc(2*time.Second, stop)
	for name, ctx := range map[string]context.Context{"deadline": deadline, "cancel": cancelled} {
		if rows, err := ask(ctx, connection, endless, nil); err == nil {
			t.Errorf("%s: no error, but %v", name, rows)
		}
	}
	if time.Since(begun) > soon {
		t.Error("ended after", time.Since(begun))
	}
	if rows, err := ask(context.Background(), connection, "SELECT 1", nil); err != nil {
		t.Error("the connection is of no more use:", rows, err)
	}
}
