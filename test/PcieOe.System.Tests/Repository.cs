namespace PcieOe.System.Tests;

/// <summary>The tree that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string Root = FindRoot();

    internal static string PathOf(string relative) => Path.Combine(Root, relative);

    /// <summary>Every C# file below a folder, but for what builds have put there.</summary>
    internal static string[] SourcesBelow(string folder)
    {
        char separator = Path.DirectorySeparatorChar;
        return
        [
            .. Directory.EnumerateFiles(PathOf(folder), "*.cs", SearchOption.AllDirectories)
                .Where(path => !path.Contains($"{separator}obj{separator}", StringComparison.Ordinal)),
        ];
    }

    private static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "PcieOe.sln")))
            {
                return folder.FullName;
            }
        }

        throw new FileNotFoundException("PcieOe.sln is not above the tests.");
    }
}
