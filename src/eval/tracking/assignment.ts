/** Shortest augmenting paths (Jonker and Volgenant 1987, as in Crouse 2016) over a dense rectangular cost matrix. */

/**
 * The column of each row in an assignment of least total cost; rows beyond the number of columns stay at −1.
 * `cost` is [rows × columns], row-major and finite.
 */
export function assign(cost: Float64Array, rows: number, columns: number): Int32Array {
  if (rows > columns) {
    const transposed = new Float64Array(cost.length);
    for (let i = 0; i < rows; i += 1) for (let j = 0; j < columns; j += 1) transposed[j * rows + i] = cost[i * columns + j]!;
    const rowOfColumn = assign(transposed, columns, rows);
    const result = new Int32Array(rows).fill(-1);
    for (const [j, i] of rowOfColumn.entries()) if (i >= 0) result[i] = j;
    return result;
  }
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const owner = new Int32Array(columns).fill(-1);
  const held = new Int32Array(rows).fill(-1);
  const cameFrom = new Int32Array(columns);
  const distance = new Float64Array(columns);
  const visited = new Uint8Array(columns);
  for (let start = 0; start < rows; start += 1) {
    distance.fill(Number.POSITIVE_INFINITY);
    visited.fill(0);
    let row = start;
    let reached = 0;
    let end = -1;
    while (end < 0) {
      let nearest = -1;
      let lowest = Number.POSITIVE_INFINITY;
      for (let j = 0; j < columns; j += 1) {
        if (visited[j]) continue;
        const through = reached + cost[row * columns + j]! - rowPrice[row]! - columnPrice[j]!;
        if (through < distance[j]!) {
          distance[j] = through;
          cameFrom[j] = row;
        }
        if (nearest < 0 || distance[j]! < lowest || (distance[j] === lowest && owner[j]! < 0 && owner[nearest]! >= 0)) {
          lowest = distance[j]!;
          nearest = j;
        }
      }
      reached = lowest;
      visited[nearest] = 1;
      if (owner[nearest]! < 0) end = nearest;
      else row = owner[nearest]!;
    }
    rowPrice[start]! += reached;
    for (let j = 0; j < columns; j += 1) {
      if (!visited[j] || j === end) continue;
      rowPrice[owner[j]!]! += reached - distance[j]!;
      columnPrice[j]! += distance[j]! - reached;
    }
    for (let j = end; j >= 0; ) {
      const from = cameFrom[j]!;
      owner[j] = from;
      const before = held[from]!;
      held[from] = j;
      j = before;
    }
  }
  return held;
}
