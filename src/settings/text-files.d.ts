/** What an import of a text as a file gives: its path. */
declare module "*.txt" {
  const path: string;
  export default path;
}
