using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// Writes a ready command: its data, its completion entry, its interrupt. The entry's slot, phase and SQHD are taken at
/// the moment it is written, so commands may leave in any order.
/// </summary>
internal sealed unsafe class CompletionWriter(NvmeController controller, IBlockMedia media)
{
    public MaterializeResult Materialize(Command command, IDmaWriter writer, long now)
    {
        if (command.Stage == MaterializeStage.Data)
        {
            if (command.Direction == TransferDirection.ToHost && command.Status == NvmeStatus.Success && !TryWriteData(command, writer))
            {
                return MaterializeResult.Partial;
            }

            command.Stage = MaterializeStage.Entry;
        }

        if (command.Stage == MaterializeStage.Entry)
        {
            if (!TryWriteEntry(command, writer))
            {
                return MaterializeResult.Partial;
            }

            command.Stage = MaterializeStage.Interrupt;
            if (!controller.Interrupts.OnEntryPosted(command.Queue.Completions, now, out command.InterruptAddress, out command.InterruptData))
            {
                return MaterializeResult.Completed;
            }
        }

        Span<byte> message = writer.ReserveWhole(command.InterruptAddress, 4);
        if (message.IsEmpty)
        {
            return MaterializeResult.Partial;
        }

        BinaryPrimitives.WriteUInt32LittleEndian(message, command.InterruptData);
        return MaterializeResult.Completed;
    }

    private bool TryWriteData(Command command, IDmaWriter writer)
    {
        while (command.SegmentIndex < command.SegmentCount)
        {
            ref TransferSegment segment = ref command.Segments[command.SegmentIndex];
            int left = segment.LengthBytes - command.SegmentOffset;
            int written = left;
            if (segment.Kind == SegmentKind.Host)
            {
                Span<byte> destination = writer.Reserve(segment.Address + (ulong)command.SegmentOffset, left);
                if (destination.IsEmpty)
                {
                    return false;
                }

                written = destination.Length;
                if (command.Origin == DataOrigin.Medium && writer.WantsRegister)
                {
                    writer.SetRegister(media.ReadChecked(command.MediaOffset + command.BytesWritten, destination));
                }
                else
                {
                    CopyTo(command, destination);
                }
            }
            else if (segment.Kind == SegmentKind.MemoryBuffer)
            {
                CopyTo(command, controller.MemoryBuffer.ForWriting((int)segment.Address, left));
            }

            command.BytesWritten += written;
            command.SegmentOffset += written;
            if (command.SegmentOffset == segment.LengthBytes)
            {
                command.SegmentIndex++;
                command.SegmentOffset = 0;
            }
        }

        return true;
    }

    private void CopyTo(Command command, Span<byte> destination)
    {
        if (command.Origin == DataOrigin.Medium)
        {
            media.Read(command.MediaOffset + command.BytesWritten, destination);
        }
        else
        {
            new ReadOnlySpan<byte>(command.Data + command.BytesWritten, destination.Length).CopyTo(destination);
        }
    }

    private static bool TryWriteEntry(Command command, IDmaWriter writer)
    {
        CompletionQueue queue = command.Queue.Completions;
        Span<byte> destination = writer.ReserveWhole(queue.BaseAddress + (ulong)queue.Tail * CompletionEntry.SizeBytes, CompletionEntry.SizeBytes);
        if (destination.IsEmpty)
        {
            return false;
        }

        var entry = new CompletionEntry
        {
            Result = command.Result,
            SubmissionQueueHead = (ushort)command.Queue.Head,
            SubmissionQueueId = (ushort)command.Queue.Id,
            CommandId = command.Entry.CommandId,
            StatusField = CompletionEntry.MakeStatusField(command.Status, StatusFlags(command.Status), queue.Phase),
        };
        MemoryMarshal.Write(destination, in entry);
        queue.Advance();
        queue.Reserved--;
        command.Queue.Outstanding--;
        return true;
    }

    // What might go well another time may be retried; every failure has its entry in the error log.
    private static ushort StatusFlags(NvmeStatus status) => status switch
    {
        NvmeStatus.Success => 0,
        NvmeStatus.AbortRequested or NvmeStatus.AbortedSubmissionQueueDeletion or NvmeStatus.DataTransferError
            or NvmeStatus.FormatInProgress or NvmeStatus.CapacityExceeded => CompletionEntry.MoreBit,
        _ => CompletionEntry.MoreBit | CompletionEntry.DoNotRetryBit,
    };
}
