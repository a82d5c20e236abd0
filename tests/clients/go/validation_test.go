package shop

import (
	"context"
	"os"
	"testing"

	"github.com/apache/arrow-adbc/go/adbc"
	"github.com/apache/arrow-adbc/go/adbc/driver/flightsql"
	"github.com/apache/arrow-adbc/go/adbc/validation"
	"github.com/apache/arrow-go/v18/arrow"
	arrowflightsql "github.com/apache/arrow-go/v18/arrow/flight/flightsql"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/stretchr/testify/suite"
)

// quirks tells the validation suite of ADBC what a gateway that only reads cannot do. The tables that the suite
// would create are in the shop already, in a domain of their own.
type quirks struct{ memory *memory.CheckedAllocator }

func (q *quirks) SetupDriver(*testing.T) adbc.Driver {
	q.memory = memory.NewCheckedAllocator(memory.DefaultAllocator)
	return flightsql.NewDriver(q.memory)
}

func (q *quirks) TearDownDriver(t *testing.T, _ adbc.Driver) { q.memory.AssertSize(t, 0) }

func (q *quirks) DatabaseOptions() map[string]string                { return options("val", "val") }
func (q *quirks) BindParameter(int) string                          { return "?" }
func (q *quirks) SupportsBulkIngest(string) bool                    { return false }
func (q *quirks) SupportsConcurrentStatements() bool                { return true }
func (q *quirks) SupportsCurrentCatalogSchema() bool                { return true }
func (q *quirks) SupportsGetSetOptions() bool                       { return true }
func (q *quirks) SupportsExecuteSchema() bool                       { return true }
func (q *quirks) SupportsPartitionedData() bool                     { return true }
func (q *quirks) SupportsStatistics() bool                          { return false }
func (q *quirks) SupportsTransactions() bool                        { return false }
func (q *quirks) SupportsGetParameterSchema() bool                  { return true }
func (q *quirks) SupportsDynamicParameterBinding() bool             { return true }
func (q *quirks) SupportsErrorIngestIncompatibleSchema() bool       { return false }
func (q *quirks) CreateSampleTable(string, arrow.RecordBatch) error { return nil }
func (q *quirks) DropTable(adbc.Connection, string) error           { return nil }
func (q *quirks) Catalog() string                                   { return "shop" }
func (q *quirks) DBSchema() string                                  { return "conformance" }
func (q *quirks) Alloc() memory.Allocator                           { return q.memory }

func (q *quirks) GetMetadata(code adbc.InfoCode) any {
	// The driver does not know its own version in a test.
	const unknown = "(unknown or development build)"
	return map[adbc.InfoCode]any{
		adbc.InfoDriverName:         "ADBC Flight SQL Driver - Go",
		adbc.InfoDriverVersion:      unknown,
		adbc.InfoDriverArrowVersion: unknown,
		adbc.InfoDriverADBCVersion:  adbc.AdbcVersion1_1_0,
		adbc.InfoVendorName:         "meshgate",
		adbc.InfoVendorVersion:      os.Getenv("SHOP_VERSION"),
		adbc.InfoVendorArrowVersion: os.Getenv("SHOP_ARROW_VERSION"),
	}[code]
}

func (q *quirks) SampleTableSchemaMetadata(table string, kind arrow.DataType) arrow.Metadata {
	metadata := map[string]string{
		arrowflightsql.CatalogNameKey:     "shop",
		arrowflightsql.SchemaNameKey:      "conformance",
		"ARROW:FLIGHT:SQL:DB_SCHEMA_NAME": "conformance",
		arrowflightsql.TableNameKey:       table,
		arrowflightsql.TypeNameKey:        "bigint",
		arrowflightsql.IsAutoIncrementKey: "0",
		arrowflightsql.IsCaseSensitiveKey: "0",
		arrowflightsql.IsReadOnlyKey:      "1",
		arrowflightsql.IsSearchableKey:    "1",
		arrowflightsql.RemarksKey:         "The ints of it.",
	}
	if kind.ID() == arrow.STRING {
		metadata[arrowflightsql.TypeNameKey] = "text"
		metadata[arrowflightsql.IsCaseSensitiveKey] = "1"
		metadata[arrowflightsql.RemarksKey] = "The strings of it."
	}
	return arrow.MetadataFrom(metadata)
}

// connectionTests are those of the suite, but for one: a new connection has no current schema here, whichever the
// suite's tables are in.
type connectionTests struct{ validation.ConnectionTests }

func (c *connectionTests) TestMetadataCurrentDbSchema() {
	connection, err := c.DB.Open(context.Background())
	c.Require().NoError(err)
	defer validation.CheckedClose(c.T(), connection)
	options := connection.(adbc.GetSetOptions)
	for _, schema := range []string{"", "conformance"} {
		if schema != "" {
			c.NoError(options.SetOption(adbc.OptionKeyCurrentDbSchema, schema))
		}
		value, err := options.GetOption(adbc.OptionKeyCurrentDbSchema)
		c.NoError(err)
		c.Equal(schema, value)
	}
}

func TestValidationOfAdbc(t *testing.T) {
	q := &quirks{}
	suite.Run(t, &validation.DatabaseTests{Quirks: q})
	suite.Run(t, &connectionTests{validation.ConnectionTests{Quirks: q}})
	suite.Run(t, &validation.StatementTests{Quirks: q})
}
