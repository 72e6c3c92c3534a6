using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Queues;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>One fetched command from its entry to its completion. Made once for each slot and used again and again.</summary>
internal sealed unsafe class Command
{
    private readonly TransferSegment* _fewSegments;
    private readonly TransferSegment* _manySegments;

    public Command(int slot, SubmissionQueue nowhere, TransferSegment* fewSegments, TransferSegment* manySegments, byte* list)
    {
        Slot = slot;
        Queue = nowhere;
        Segments = _fewSegments = fewSegments;
        _manySegments = manySegments;
        List = list;
    }

    public int Slot { get; }

    /// <summary>Counts up whenever the slot is given back, so that names of earlier commands are void.</summary>
    public uint Generation;

    public CommandState State;

    /// <summary>What is done next once there is the buffer or the room for a read that the command waits for.</summary>
    public CommandStep Step;

    public SubmissionEntry Entry;
    public SubmissionQueue Queue;

    /// <summary>Makes a list of waiting commands; a command waits for one thing at a time.</summary>
    public Command? Next;

    // How it ends.
    public NvmeStatus Status;
    public uint Result;

    // What it moves.
    public TransferDirection Direction;

    /// <summary>Bytes between host and controller.</summary>
    public int DataBytes;

    public DataOrigin Origin;

    /// <summary>Where the data lies: a staging buffer, or the controller memory buffer.</summary>
    public byte* Data;

    /// <summary>The staging buffer held, or -1.</summary>
    public int Buffer = -1;

    /// <summary>Room for <see cref="CommandTable.FewSegments"/> pieces of data, or for all there may be (<see cref="UseManySegments"/>).</summary>
    public TransferSegment* Segments { get; private set; }
    public int SegmentCount;
    public int OutstandingReads;

    // Walking a PRP or SGL list.
    public byte* List { get; }
    public ulong ListAddress;
    public int ListBytes;
    public int ListReads;
    public int ResolvedBytes;
    public int SglSegmentBytes;
    public bool IsLastSglSegment;

    // At the medium.
    public Namespace? Namespace;

    /// <summary>The namespace's when the entry was decoded.</summary>
    public int BlockShift;

    /// <summary>From the start of the medium.</summary>
    public long MediaOffset;

    public long MediaBytes;

    /// <summary>Requests to the medium that have ended: ranges, namespaces, or just the one.</summary>
    public int MediaRequestsDone;

    public MediaRequest MediaRequest;
    public bool IsMediaPending;

    /// <summary>Of a change of namespaces: their table is on its way to the medium.</summary>
    public bool IsTableWritten;

    // Times, monotonic nanoseconds.
    public long ArrivalNanoseconds;
    public long AdmittedNanoseconds;
    public long DeadlineNanoseconds;
    public long ReadyNanoseconds;
    public FlashTimes FlashTimes;
    public ulong ArrivalOrigin;

    // Progress of Materialize.
    public MaterializeStage Stage;
    public int SegmentIndex;
    public int SegmentOffset;
    public int BytesWritten;
    public ulong InterruptAddress;
    public uint InterruptData;

    public NvmOpcode NvmOpcode => (NvmOpcode)Entry.Opcode;

    public AdminOpcode AdminOpcode => (AdminOpcode)Entry.Opcode;

    public bool IsAdmin => Queue.Id == 0;

    public TransactionName Name => new(TransactionKind.Command, Generation, Slot);

    /// <summary>Everything but identity, slot memory and the entry to its initial value.</summary>
    public void Clear()
    {
        Next = null;
        Status = NvmeStatus.Success;
        Result = 0;
        Direction = TransferDirection.None;
        DataBytes = 0;
        Origin = DataOrigin.Buffer;
        Data = null;
        Segments = _fewSegments;
        SegmentCount = 0;
        OutstandingReads = 0;
        ListReads = 0;
        ResolvedBytes = 0;
        Namespace = null;
        MediaOffset = 0;
        MediaBytes = 0;
        MediaRequestsDone = 0;
        IsTableWritten = false;
        DeadlineNanoseconds = long.MaxValue;
        ReadyNanoseconds = 0;
        FlashTimes = default;
        Stage = MaterializeStage.Data;
        SegmentIndex = 0;
        SegmentOffset = 0;
        BytesWritten = 0;
    }

    /// <summary>Moves the pieces there are to where there is room for more.</summary>
    public void UseManySegments()
    {
        new ReadOnlySpan<TransferSegment>(Segments, SegmentCount).CopyTo(new Span<TransferSegment>(_manySegments, SegmentCount));
        Segments = _manySegments;
    }
}

internal enum CommandState : byte
{
    Free,

    /// <summary>Handed to admission control, which has not let it start.</summary>
    Admission,

    /// <summary>At work, or waiting for a resource, a DMA read or the medium.</summary>
    Active,

    /// <summary>Done but for the time that flash would take.</summary>
    Timed,

    /// <summary>In the host's egress queue.</summary>
    Ready,

    /// <summary>Ready, but held back while bus mastering is off.</summary>
    Blocked,

    /// <summary>An asynchronous event request that waits for an event, or a queue deletion that waits for the queue's commands.</summary>
    Parked,

    /// <summary>Void after a reset, but the medium still uses its buffer.</summary>
    Draining,
}

internal enum CommandStep : byte
{
    ReadList,
    FetchData,
    Execute,
}

/// <summary>Where data to the host comes from.</summary>
internal enum DataOrigin : byte
{
    /// <summary><see cref="Command.Data"/>.</summary>
    Buffer,

    /// <summary>An immediate medium, at the moment it is written out.</summary>
    Medium,
}

internal enum MaterializeStage : byte
{
    Data,
    Entry,
    Interrupt,
}
