using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>How far the walk along a data pointer has come.</summary>
internal enum WalkResult : byte
{
    /// <summary>All segments are known.</summary>
    Done,

    /// <summary>A list is being read; <see cref="DataPointers.OnListCompleted"/> goes on.</summary>
    Pending,

    /// <summary>Too many reads are outstanding: call <see cref="DataPointers.ReadList"/> again when there is room.</summary>
    NoRoom,

    /// <summary>The command fails with its status.</summary>
    Failed,
}

/// <summary>
/// Turns a command's data pointer into segments: PRP entries and lists (NVMe 1.4, section 4.3) and SGLs (section 4.4). Lists lie in host
/// memory or in the controller memory buffer; they are copied before they are looked at, so that they cannot change in between.
/// </summary>
internal sealed unsafe class DataPointers(NvmeController controller)
{
    public const int PageBytes = 4096;

    /// <summary>Lists one command may chain: far more than a transfer needs, and an end to lists that go in circles.</summary>
    public const int MaximumListReads = 80;

    private readonly MemoryBuffer _memoryBuffer = controller.MemoryBuffer;

    /// <summary>Starts with a command's entry; it moves <see cref="Command.DataBytes"/>.</summary>
    public WalkResult Begin(Command command) => command.Entry.DataPointer switch
    {
        DataPointerKind.Prp => BeginPrp(command),
        DataPointerKind.Sgl or DataPointerKind.SglMetadataSgl when !command.IsAdmin => SglWalker.Begin(this, command),
        _ => Fail(command, NvmeStatus.InvalidField),
    };

    /// <summary>Reads the list at <see cref="Command.ListAddress"/>, or goes on at once if it lies in the controller memory buffer.</summary>
    public WalkResult ReadList(Command command)
    {
        for (; ; )
        {
            if (command.ListReads >= MaximumListReads)
            {
                return Fail(command, command.Entry.DataPointer == DataPointerKind.Prp ? NvmeStatus.PrpOffsetInvalid : NvmeStatus.InvalidNumberOfSglDescriptors);
            }

            if (!_memoryBuffer.TryLocate(command.ListAddress, out ulong offset))
            {
                if (!controller.Host.TryRead(command.ListAddress, command.ListBytes, new TransactionName(TransactionKind.List, command.Generation, command.Slot).ReadId))
                {
                    return WalkResult.NoRoom;
                }

                command.ListReads++;
                command.OutstandingReads = 1;
                return WalkResult.Pending;
            }

            if (offset + (ulong)command.ListBytes > (ulong)_memoryBuffer.LengthBytes)
            {
                return Fail(command, NvmeStatus.InvalidUseOfMemoryBuffer);
            }

            command.ListReads++;
            _memoryBuffer.Span.Slice((int)offset, command.ListBytes).CopyTo(new Span<byte>(command.List, CommandTable.ListBytes));
            WalkResult result = ParseList(command, out bool readMore);
            if (!readMore)
            {
                return result;
            }
        }
    }

    public static void OnListData(Command command, int offset, ReadOnlySpan<byte> data)
    {
        if (offset >= 0 && offset <= command.ListBytes - data.Length)
        {
            data.CopyTo(new Span<byte>(command.List + offset, data.Length));
        }
    }

    public WalkResult OnListCompleted(Command command, DmaReadStatus status)
    {
        command.OutstandingReads = 0;
        if (status != DmaReadStatus.Success)
        {
            return Fail(command, NvmeStatus.DataTransferError);
        }

        WalkResult result = ParseList(command, out bool readMore);
        return readMore ? ReadList(command) : result;
    }

    /// <summary>Adds a piece, joined to the one before where they touch.</summary>
    public bool TryAdd(Command command, ulong address, int length)
    {
        if (length == 0)
        {
            return true;
        }

        SegmentKind kind = SegmentKind.Host;
        if (_memoryBuffer.TryLocate(address, out ulong offset))
        {
            if (offset + (ulong)length > (ulong)_memoryBuffer.LengthBytes)
            {
                command.Status = NvmeStatus.InvalidUseOfMemoryBuffer;
                return false;
            }

            kind = SegmentKind.MemoryBuffer;
            address = offset;
        }
        else if (address + (ulong)length - 1 < address)
        {
            command.Status = NvmeStatus.DataTransferError;
            return false;
        }

        return TryAppend(command, kind, address, length);
    }

    public static bool TryAppend(Command command, SegmentKind kind, ulong address, int length)
    {
        command.ResolvedBytes += length;
        if (command.SegmentCount > 0)
        {
            ref TransferSegment last = ref command.Segments[command.SegmentCount - 1];
            if (last.Kind == kind && (kind == SegmentKind.Discard || last.Address + (ulong)last.LengthBytes == address))
            {
                last.LengthBytes += length;
                return true;
            }
        }

        if (command.SegmentCount == CommandTable.MaximumSegments)
        {
            command.Status = NvmeStatus.InvalidNumberOfSglDescriptors;
            return false;
        }

        if (command.SegmentCount == CommandTable.FewSegments)
        {
            command.UseManySegments();
        }

        command.Segments[command.SegmentCount++] = new TransferSegment { Kind = kind, Address = address, LengthBytes = length };
        return true;
    }

    public static WalkResult Fail(Command command, NvmeStatus status)
    {
        command.Status = status;
        return WalkResult.Failed;
    }

    private WalkResult ParseList(Command command, out bool readMore) => command.Entry.DataPointer == DataPointerKind.Prp
        ? ParsePrpList(command, out readMore)
        : SglWalker.ParseSegment(this, command, out readMore);

    private WalkResult BeginPrp(Command command)
    {
        ulong first = command.Entry.Prp1;
        if ((first & 3) != 0)
        {
            return Fail(command, NvmeStatus.PrpOffsetInvalid);
        }

        int inFirst = Math.Min(command.DataBytes, PageBytes - (int)(first & (PageBytes - 1)));
        if (!TryAdd(command, first, inFirst))
        {
            return WalkResult.Failed;
        }

        int rest = command.DataBytes - inFirst;
        if (rest == 0)
        {
            return WalkResult.Done;
        }

        ulong second = command.Entry.Prp2;
        if (rest > PageBytes)
        {
            return SetPrpList(command, second) ? ReadList(command) : WalkResult.Failed;
        }

        if ((second & (PageBytes - 1)) != 0)
        {
            return Fail(command, NvmeStatus.PrpOffsetInvalid);
        }

        return TryAdd(command, second, rest) ? WalkResult.Done : WalkResult.Failed;
    }

    private static bool SetPrpList(Command command, ulong address)
    {
        if ((address & 7) != 0)
        {
            command.Status = NvmeStatus.PrpOffsetInvalid;
            return false;
        }

        int pages = (command.DataBytes - command.ResolvedBytes + PageBytes - 1) / PageBytes;
        int room = (PageBytes - (int)(address & (PageBytes - 1))) / sizeof(ulong);
        command.ListAddress = address;
        command.ListBytes = Math.Min(pages, room) * sizeof(ulong);
        return true;
    }

    private WalkResult ParsePrpList(Command command, out bool readMore)
    {
        readMore = false;
        int count = command.ListBytes / sizeof(ulong);
        for (int i = 0; i < count; i++)
        {
            ulong entry = ((ulong*)command.List)[i];
            int rest = command.DataBytes - command.ResolvedBytes;

            // The last entry of a page of the list points to its next page if more than one page of data is left.
            if (i == count - 1 && rest > PageBytes)
            {
                readMore = SetPrpList(command, entry);
                return WalkResult.Failed;
            }

            if ((entry & (PageBytes - 1)) != 0)
            {
                return Fail(command, NvmeStatus.PrpOffsetInvalid);
            }

            if (!TryAdd(command, entry, Math.Min(rest, PageBytes)))
            {
                return WalkResult.Failed;
            }
        }

        return WalkResult.Done;
    }
}
