/** What NVIDIA's driver tells about a GPU through NVML; null: this GPU or driver does not tell. */
export interface GpuStatus {
  readonly name: string;
  /** 0…1, over the driver's last sampling period. */
  readonly load: number | null;
  readonly memoryUsedBytes: number | null;
  readonly memoryTotalBytes: number | null;
  readonly celsius: number | null;
  readonly watts: number | null;
  readonly mhz: number | null;
  readonly maxMhz: number | null;
}
