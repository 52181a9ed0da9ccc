/** undefined limits nothing. */
export function checkMaxSize(limit: number | undefined, sizeBytes: number | undefined): boolean {
  // What has no known size has no size that is small enough.
  return limit === undefined || (sizeBytes !== undefined && sizeBytes <= limit);
}

export function maxSizeSubsumes(parent: number | undefined, child: number | undefined): boolean {
  return parent === undefined || (child !== undefined && child <= parent);
}
