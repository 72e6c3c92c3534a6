using PcieOe.Daemon.Configuration;
using PcieOe.FlashEndpoint.Media.Files;

namespace PcieOe.Target.Configuration;

/// <summary>What a function's data is kept on.</summary>
internal sealed record MediaSettings
{
    /// <summary>Null: in memory, gone with the daemon.</summary>
    public FileMediumOptions? File { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>All storage is taken at start, so that it cannot run out later, and the first access of a page costs no more than the next.</summary>
    public bool Preallocates { get; init; }

    public static MediaSettings Read(ConfigurationReader reader)
    {
        string kind = reader.Text("kind") ?? (reader.Has("path") ? "file" : "memory");
        if (kind is not ("memory" or "file"))
        {
            reader.Report("kind", $"is '{kind}', where one of these belongs: memory, file.");
        }

        string? path = reader.Text("path");
        if (kind == "file" && path is null)
        {
            reader.Report("path", "is missing: the file that holds the data.");
        }
        else if (kind == "memory" && path is not null)
        {
            reader.Report("path", "stands beside kind \"memory\", which has no file: set kind to \"file\", or leave path out.");
        }

        if (!reader.Has("size"))
        {
            reader.Report("size", "is missing: the medium's size (\"1GiB\").");
        }

        long size = reader.Bytes("size", FunctionOptions.SmallestMedium, FunctionOptions.SmallestMedium, FunctionOptions.LargestMedium);
        bool preallocates = reader.Flag("preallocate", false);
        return new MediaSettings
        {
            SizeBytes = size,
            Preallocates = preallocates,
            File = path is null ? null : ReadFile(reader, path, size, preallocates),
        };
    }

    public override string ToString() => $"{ByteSize.Format(SizeBytes)} {(File is null ? "memory" : $"file {File.Path}")}";

    private static FileMediumOptions ReadFile(ConfigurationReader reader, string path, long size, bool preallocates)
    {
        FileMediumOptions options = new()
        {
            Path = path,
            SizeBytes = size,
            CreateIfMissing = reader.Flag("create", true),
            Preallocate = preallocates,
            EnableWriteCache = reader.Flag("writeCache", true),
            Engine = reader.Choice("engine", FileEngineKind.Automatic),
            Threads = (int)reader.Integer("threads", 4, 2, 64),
        };
        List<string> mistakes = [];
        options.Validate(mistakes);
        mistakes.ForEach(mistake => reader.Report(string.Empty, mistake));
        return options;
    }
}
