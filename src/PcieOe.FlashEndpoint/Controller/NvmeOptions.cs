namespace PcieOe.FlashEndpoint.Controller;

/// <summary>Settings of an NVMe function. <see cref="Validate"/> tells every mistake at once.</summary>
public sealed record NvmeOptions
{
    public const int DefaultMaximumOutstandingCommands = 512;

    /// <summary>PCI vendor id. The default is assigned to nobody, and known to no driver as one with quirks.</summary>
    public ushort VendorId { get; init; } = 0xF1A5;

    public ushort DeviceId { get; init; } = 0x0E01;

    public ushort SubsystemVendorId { get; init; } = 0xF1A5;

    public ushort SubsystemId { get; init; } = 0x0001;

    /// <summary>1 to 20 printable ASCII characters. Namespaces' unique ids are derived from it, so no two controllers should share one.</summary>
    public required string SerialNumber { get; init; }

    /// <summary>1 to 40 printable ASCII characters.</summary>
    public string ModelNumber { get; init; } = "PcieOe flash endpoint";

    /// <summary>1 to 8 printable ASCII characters.</summary>
    public string FirmwareRevision { get; init; } = "0.1.0";

    /// <summary>CNTLID.</summary>
    public ushort ControllerId { get; init; } = 1;

    /// <summary>Pairs of I/O queues, 1 to 255; one MSI-X vector for each, and one for the admin queue.</summary>
    public int IoQueuePairs { get; init; } = 64;

    /// <summary>Entries of the largest queue, 2 to 65536.</summary>
    public int MaximumQueueEntries { get; init; } = 4096;

    /// <summary>The longest transfer of one command: a power of two from 4 KiB to 1 MiB.</summary>
    public int MaximumTransferBytes { get; init; } = 256 * 1024;

    /// <summary>Commands worked on at a time; the others wait in their queues.</summary>
    public int MaximumOutstandingCommands { get; init; } = DefaultMaximumOutstandingCommands;

    /// <summary>Buffers for data between host and medium: commands that need one at a time.</summary>
    public int StagingBuffers { get; init; } = 128;

    /// <summary>Size of the controller memory buffer: 0 for none, or a power of two from 64 KiB to 1 GiB.</summary>
    public int MemoryBufferBytes { get; init; }

    /// <summary>The highest namespace identifier, 1 to 120.</summary>
    public int MaximumNamespaces { get; init; } = 32;

    /// <summary>
    /// Namespaces at start, in the order of their identifiers from 1 on. Empty: one of 512-byte blocks on the whole medium.
    /// Without meaning where the medium holds a table of namespaces already (<see cref="NamespaceManagement.Persistent"/>).
    /// </summary>
    public IReadOnlyList<NamespaceOptions> Namespaces { get; init; } = [];

    public NamespaceManagement NamespaceManagement { get; init; } = NamespaceManagement.Volatile;

    /// <summary>Bytes at the end of the medium that no namespace may use.</summary>
    public long ReservedBytes => NamespaceManagement == NamespaceManagement.Persistent ? NamespaceStore.AreaBytes : 0;

    /// <summary>The mistakes, one sentence each; none if the settings can be used with a medium of <paramref name="capacityBytes"/>.</summary>
    public IReadOnlyList<string> Validate(long capacityBytes)
    {
        var mistakes = new List<string>();
        CheckText(mistakes, nameof(SerialNumber), SerialNumber, 20);
        CheckText(mistakes, nameof(ModelNumber), ModelNumber, 40);
        CheckText(mistakes, nameof(FirmwareRevision), FirmwareRevision, 8);
        CheckRange(mistakes, nameof(IoQueuePairs), IoQueuePairs, 1, 255);
        CheckRange(mistakes, nameof(MaximumQueueEntries), MaximumQueueEntries, 2, 65536);
        CheckPowerOfTwo(mistakes, nameof(MaximumTransferBytes), MaximumTransferBytes, 4096, 1 << 20);
        CheckRange(mistakes, nameof(MaximumOutstandingCommands), MaximumOutstandingCommands, 1, 32768);
        CheckRange(mistakes, nameof(StagingBuffers), StagingBuffers, 1, 32768);
        if (MemoryBufferBytes != 0)
        {
            CheckPowerOfTwo(mistakes, nameof(MemoryBufferBytes), MemoryBufferBytes, 64 << 10, 1 << 30);
        }

        CheckRange(mistakes, nameof(MaximumNamespaces), MaximumNamespaces, 1, NamespaceStore.MaximumNamespaces);
        if (Namespaces.Count > MaximumNamespaces)
        {
            mistakes.Add($"{Namespaces.Count} namespaces are configured, but {nameof(MaximumNamespaces)} is {MaximumNamespaces}.");
        }

        long sum = 0;
        for (int i = 0; i < Namespaces.Count; i++)
        {
            NamespaceOptions options = Namespaces[i];
            if (options.BlockBytes is not (512 or 4096))
            {
                mistakes.Add($"Namespace {i + 1}: blocks have 512 or 4096 bytes, not {options.BlockBytes}.");
            }

            if (options.SizeBytes <= 0 || options.SizeBytes % 4096 != 0)
            {
                mistakes.Add($"Namespace {i + 1}: its size must be a positive multiple of 4096 bytes, not {options.SizeBytes}.");
            }
            else
            {
                sum = checked(sum + options.SizeBytes);
            }
        }

        if (capacityBytes - ReservedBytes < 4096)
        {
            mistakes.Add($"A medium of {capacityBytes} bytes is too small: it needs {4096 + ReservedBytes} at least.");
        }
        else if (sum > capacityBytes - ReservedBytes)
        {
            mistakes.Add($"The namespaces need {sum} bytes together, but the medium has {capacityBytes - ReservedBytes} for them.");
        }

        return mistakes;
    }

    private static void CheckText(List<string> mistakes, string name, string? value, int maximum)
    {
        if (string.IsNullOrEmpty(value) || value.Length > maximum || value.Any(c => c is < ' ' or > '~'))
        {
            mistakes.Add($"{name} must have 1 to {maximum} printable ASCII characters.");
        }
    }

    private static void CheckRange(List<string> mistakes, string name, int value, int minimum, int maximum)
    {
        if (value < minimum || value > maximum)
        {
            mistakes.Add($"{name} must be {minimum} to {maximum}, not {value}.");
        }
    }

    private static void CheckPowerOfTwo(List<string> mistakes, string name, int value, int minimum, int maximum)
    {
        if (value < minimum || value > maximum || !int.IsPow2(value))
        {
            mistakes.Add($"{name} must be a power of two from {minimum} to {maximum}, not {value}.");
        }
    }
}

/// <summary>What the host may do to namespaces (Namespace Management, Namespace Attachment, Format with another block size).</summary>
public enum NamespaceManagement : byte
{
    /// <summary>Nothing: they are as configured.</summary>
    Off,

    /// <summary>Everything; after a restart they are as configured again. For media that are gone then, too.</summary>
    Volatile,

    /// <summary>Everything, and it is kept on the medium itself, which gives up <see cref="NamespaceStore.AreaBytes"/> at its end.</summary>
    Persistent,
}

/// <summary>A namespace as configured.</summary>
public sealed record NamespaceOptions
{
    /// <summary>A multiple of 4096.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>512 or 4096.</summary>
    public int BlockBytes { get; init; } = 512;
}
