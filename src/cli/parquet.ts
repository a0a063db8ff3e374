/** Tables as Apache Parquet, for pandas, DuckDB and their like. */
import { renameSync, rmSync } from 'node:fs';
import type { SchemaElement } from 'hyparquet';
import { fileWriter, parquetWriteRows } from 'hyparquet-writer';

export interface ParquetColumn {
  readonly name: string;
  /** `time`: text as toISOString gives it, kept in milliseconds. */
  readonly type: 'text' | 'time' | 'integer' | 'number';
}

export type ParquetCell = string | number | null | undefined;

/** Rows in memory at a time. */
const GROUP = 10_000;

const TYPES: Readonly<Record<ParquetColumn['type'], Pick<SchemaElement, 'type' | 'converted_type'>>> = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  integer: { type: 'INT64' },
  number: { type: 'DOUBLE' },
};

/** Writes the table; `path` has it once it is whole. Cells in the order of the columns, each may be missing. Errors: those of the file system. */
export async function writeParquet(path: string, columns: readonly ParquetColumn[], rows: Iterable<readonly ParquetCell[]>): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  const schema: SchemaElement[] = [
    { name: 'root', num_children: columns.length },
    ...columns.map(({ name, type }): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...TYPES[type] })),
  ];
  try {
    await parquetWriteRows({
      writer: fileWriter(part),
      schema,
      columns: columns.map(({ name }) => ({ name })),
      rows: objectsOf(columns, rows),
      rowGroupSize: GROUP,
      createdBy: 'fastsamd',
    });
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}

function* objectsOf(columns: readonly ParquetColumn[], rows: Iterable<readonly ParquetCell[]>): Iterable<Record<string, unknown>> {
  for (const row of rows) {
    yield Object.fromEntries(columns.map(({ name, type }, k) => [name, parquetValue(type, row[k])]));
  }
}

function parquetValue(type: ParquetColumn['type'], cell: ParquetCell): unknown {
  if (cell === undefined || cell === null) return undefined;
  if (type === 'time') return new Date(String(cell));
  return type === 'integer' ? BigInt(cell) : cell;
}
