using PcieOe.Daemon.Configuration;
using PcieOe.FlashEndpoint.Controller;

namespace PcieOe.Target.Configuration;

/// <summary>One function of the pool.</summary>
internal sealed record FunctionOptions
{
    public const long SmallestMedium = 1 << 20;
    public const long LargestMedium = 1L << 50;

    public required string Name { get; init; }

    /// <summary>Hosts that may attach; "*" for any.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    public required MediaSettings Media { get; init; }

    public required TimingSettings Timing { get; init; }

    /// <summary>Empty: one namespace on the whole medium.</summary>
    public IReadOnlyList<NamespaceOptions> Namespaces { get; init; } = [];

    /// <summary>What a host may do to namespaces; what it does on a file is kept in the file, behind the data.</summary>
    public NamespaceManagement NamespaceManagement { get; init; }

    /// <summary>Size of the controller memory buffer for submission queues and write data; 0 hides it.</summary>
    public int MemoryBufferBytes { get; init; }

    public int QueuePairs { get; init; } = 64;

    public static FunctionOptions Read(ConfigurationReader reader)
    {
        string name = reader.RequiredText("name", "what hosts call this function");
        MediaSettings media = MediaSettings.Read(reader.Section("media"));
        List<NamespaceOptions> namespaces = [];
        foreach (ConfigurationReader entry in reader.List("namespaces"))
        {
            long size = entry.Bytes("size", 0, 4096, LargestMedium);
            int block = (int)entry.Integer("blockSize", 512, 512, 4096);
            if (block is not (512 or 4096))
            {
                entry.Report("blockSize", $"is {block}, and blocks have 512 or 4096 bytes.");
                block = 512;
            }

            if (!entry.Has("size"))
            {
                entry.Report("size", "is missing: the namespace's size, a multiple of 4096 bytes (\"1GiB\").");
            }
            else if (size % 4096 != 0)
            {
                entry.Report("size", $"is {size} bytes, which is no multiple of 4096.");
            }

            namespaces.Add(new NamespaceOptions { SizeBytes = size, BlockBytes = block });
        }

        if (namespaces.Sum(entry => entry.SizeBytes) > media.SizeBytes)
        {
            reader.Report("namespaces", $"need {ByteSize.Format(namespaces.Sum(entry => entry.SizeBytes))} together, and the medium has {ByteSize.Format(media.SizeBytes)}.");
        }

        IReadOnlyList<string> hosts = reader.Texts("hosts");
        long memoryBuffer = reader.Bytes("memoryBuffer", 4 << 20, 0, 1 << 30);
        if (memoryBuffer != 0 && (memoryBuffer < 64 << 10 || !long.IsPow2(memoryBuffer)))
        {
            reader.Report("memoryBuffer", $"is {ByteSize.Format(memoryBuffer)}: 0 for none, or a power of two from 64KiB to 1GiB.");
            memoryBuffer = 0;
        }

        return new FunctionOptions
        {
            Name = name,
            Hosts = hosts.Count == 0 ? ["*"] : hosts,
            Media = media,
            Timing = TimingSettings.Read(reader.Section("timing")),
            Namespaces = namespaces,
            NamespaceManagement = ReadManagement(reader, media),
            MemoryBufferBytes = (int)memoryBuffer,
            QueuePairs = (int)reader.Integer("queuePairs", 64, 1, 255),
        };
    }

    // A file is often an image that others read too, so its layout changes only where that is wanted.
    private static NamespaceManagement ReadManagement(ConfigurationReader reader, MediaSettings media) =>
        !reader.Flag("namespaceManagement", media.File is null) ? NamespaceManagement.Off
        : media.File is null ? NamespaceManagement.Volatile : NamespaceManagement.Persistent;
}
