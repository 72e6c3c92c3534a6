using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Queues;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>All slots for commands. Some of them are kept for the admin queue, so that I/O never shuts it out.</summary>
internal sealed unsafe class CommandTable : IDisposable
{
    /// <summary>Pieces one command's data may have: enough for a PRP list of the largest transfer and for any sane SGL.</summary>
    public const int MaximumSegments = 272;

    /// <summary>
    /// As many as fill a cache line, and as most commands need. They lie close together for all commands: where each had its own page,
    /// looking up its address took as long as using it.
    /// </summary>
    public const int FewSegments = 4;

    /// <summary>Bytes of a list read at a time: a PRP list of one page, or 256 SGL descriptors.</summary>
    public const int ListBytes = 4096;

    private readonly Command[] _commands;
    private readonly int[] _free;
    private readonly int _keptForAdmin;
    private readonly NativeRegion _fewSegments;
    private readonly NativeRegion _manySegments;
    private readonly NativeRegion _lists;
    private int _freeCount;

    public CommandTable(int ioCommands, int adminCommands, SubmissionQueue nowhere)
    {
        int count = ioCommands + adminCommands;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, ushort.MaxValue);
        _keptForAdmin = adminCommands;
        _fewSegments = new NativeRegion((long)count * FewSegments * sizeof(TransferSegment));
        _manySegments = new NativeRegion((long)count * MaximumSegments * sizeof(TransferSegment));
        _lists = new NativeRegion((long)count * ListBytes);
        _commands = new Command[count];
        _free = new int[count];
        for (int i = 0; i < count; i++)
        {
            _commands[i] = new Command(
                i,
                nowhere,
                (TransferSegment*)_fewSegments.Start + (long)i * FewSegments,
                (TransferSegment*)_manySegments.Start + (long)i * MaximumSegments,
                _lists.Start + (long)i * ListBytes);
            _free[i] = count - 1 - i;
        }

        _freeCount = count;
    }

    public ReadOnlySpan<Command> All => _commands;

    public int Count => _commands.Length;

    public bool IsIdle => _freeCount == _commands.Length;

    /// <summary>Slots that a fetch may take, those promised to earlier fetches not counted.</summary>
    public int AvailableFor(bool admin) => _freeCount - Promised - (admin ? 0 : _keptForAdmin);

    /// <summary>Slots promised to entries that are being fetched.</summary>
    public int Promised { get; set; }

    /// <summary>Takes a slot. The caller has looked at <see cref="AvailableFor"/> before.</summary>
    public Command Take()
    {
        Command command = _commands[_free[--_freeCount]];
        command.Clear();
        return command;
    }

    public void GiveBack(Command command)
    {
        command.State = CommandState.Free;
        command.Generation = (command.Generation + 1) & TransactionName.GenerationMask;
        _free[_freeCount++] = command.Slot;
    }

    /// <summary>The command that a token or a read of this function names; null if it is void.</summary>
    public Command? Find(TransactionName name)
    {
        if (name.Index >= _commands.Length)
        {
            return null;
        }

        Command command = _commands[name.Index];
        return command.Generation == name.Generation && command.State is not (CommandState.Free or CommandState.Draining) ? command : null;
    }

    public void Dispose()
    {
        _fewSegments.Dispose();
        _manySegments.Dispose();
        _lists.Dispose();
    }
}
