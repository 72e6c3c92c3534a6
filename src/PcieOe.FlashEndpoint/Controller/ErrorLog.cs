using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>The Error Information log: the last errors, newest first (NVMe 1.4, section 5.14.1.1).</summary>
internal sealed class ErrorLog
{
    public const int Capacity = 64;
    public const ushort NoQueue = 0xFFFF;
    private readonly ErrorLogEntry[] _entries = new ErrorLogEntry[Capacity];

    /// <summary>Errors ever.</summary>
    public ulong Count { get; private set; }

    public void Add(Command command) => Add(new ErrorLogEntry
    {
        SubmissionQueueId = (ushort)command.Queue.Id,
        CommandId = command.Entry.CommandId,
        StatusField = CompletionEntry.MakeStatusField(command.Status, 0, phase: false),
        ParameterErrorLocation = 0xFFFF,
        Lba = command.IsAdmin ? 0 : command.Entry.StartingLba,
        NamespaceId = command.Entry.NamespaceId,
    });

    public void Add(ErrorLogEntry entry)
    {
        entry.ErrorCount = ++Count;
        _entries[(int)((Count - 1) % Capacity)] = entry;
    }

    /// <summary>The entry that lies <paramref name="age"/> errors back; zeroes if there were fewer.</summary>
    public ErrorLogEntry this[int age] => (ulong)age < Count && age < Capacity ? _entries[(int)((Count - 1 - (ulong)age) % Capacity)] : default;
}
