using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>Gathers the data of a command that goes from the host to the controller: by DMA reads, and out of the controller memory buffer.</summary>
internal sealed unsafe class HostDataReader(NvmeController controller, bool isMediumImmediate)
{
    private const int DirectAlignment = 4;

    /// <summary>
    /// Write data that lies in the controller memory buffer in one piece is used where it is, if the medium takes it at once. False: it has
    /// to be gathered, since the host may change it meanwhile (after a reset it even has the right to); so has everything that is looked at.
    /// </summary>
    public bool TryUseInPlace(Command command)
    {
        ref TransferSegment first = ref command.Segments[0];
        if (!isMediumImmediate || command.IsAdmin || command.NvmOpcode != NvmOpcode.Write || command.SegmentCount != 1 || first.Kind != SegmentKind.MemoryBuffer || first.Address % DirectAlignment != 0)
        {
            return false;
        }

        command.Data = controller.MemoryBuffer.Start + first.Address;
        return true;
    }

    /// <summary>
    /// Starts reads for the segments from <see cref="Command.SegmentIndex"/> on, into <see cref="Command.Data"/>.
    /// False: too many reads are outstanding; call again when there is room.
    /// </summary>
    public bool TryStartReads(Command command)
    {
        for (; command.SegmentIndex < command.SegmentCount; command.SegmentIndex++)
        {
            ref TransferSegment segment = ref command.Segments[command.SegmentIndex];
            if (segment.Kind == SegmentKind.MemoryBuffer)
            {
                controller.MemoryBuffer.Span.Slice((int)segment.Address, segment.LengthBytes)
                    .CopyTo(new Span<byte>(command.Data + command.SegmentOffset, segment.LengthBytes));
            }
            else
            {
                var name = new TransactionName(TransactionKind.Data, command.Generation, command.Slot, command.SegmentIndex);
                if (!controller.Host.TryRead(segment.Address, segment.LengthBytes, name.ReadId))
                {
                    return false;
                }

                command.OutstandingReads++;
            }

            // From here on Address says where the piece belongs, which is what its answers need.
            segment.Address = (ulong)command.SegmentOffset;
            command.SegmentOffset += segment.LengthBytes;
        }

        return true;
    }

    public static void OnData(Command command, int part, int offset, ReadOnlySpan<byte> data)
    {
        if (part >= command.SegmentIndex)
        {
            return;
        }

        ref TransferSegment segment = ref command.Segments[part];
        if (offset >= 0 && offset <= segment.LengthBytes - data.Length)
        {
            data.CopyTo(new Span<byte>(command.Data + (int)segment.Address + offset, data.Length));
        }
    }

    /// <summary>Notes the end of one read. True: it was the last, and none is left to start.</summary>
    public static bool OnCompleted(Command command, DmaReadStatus status)
    {
        if (status != DmaReadStatus.Success)
        {
            command.Status = NvmeStatus.DataTransferError;
        }

        return --command.OutstandingReads == 0 && command.SegmentIndex == command.SegmentCount;
    }
}
