using Xunit;

namespace PcieOe.System.Tests.Structure;

public sealed class NamespaceTests
{
    private const string Keyword = "namespace ";

    /// <summary>Who has a type's full name knows its file's folder.</summary>
    [Theory]
    [InlineData("src")]
    [InlineData("test")]
    [InlineData("bench")]
    public void Source_ItsNamespace_IsItsFolder(string top)
    {
        string[] projects = Directory.GetDirectories(Repository.PathOf(top), "PcieOe.*");
        Assert.NotEmpty(projects);
        var offenders =
            from project in projects
            from source in Repository.SourcesBelow(project)
            let line = File.ReadLines(source).FirstOrDefault(line => line.StartsWith(Keyword, StringComparison.Ordinal))
            where line is not null && line != $"{Keyword}{FolderOf(source).Replace(Path.DirectorySeparatorChar, '.')};"
            select $"{Path.GetFileName(source)}: {line}";

        Assert.Empty(offenders);

        string FolderOf(string source) => Path.GetRelativePath(Repository.PathOf(top), Path.GetDirectoryName(source)!);
    }
}
