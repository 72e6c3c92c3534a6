using System.Runtime.InteropServices;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <content>Commands, from submission to completion.</content>
public sealed unsafe partial class NvmeBlockDriver
{
    private const uint MaximumBlocksOfField = 65536;
    private const uint ForceUnitAccessBit = 1u << 30;
    private const uint DeallocateBit = 1u << 2;

    /// <summary>
    /// Accepts one command; it leaves with the others of this round at <see cref="Pump"/>. False: not ready, or as many are under way as
    /// may be; try again later.
    /// </summary>
    /// <exception cref="ArgumentException">The command cannot be one: its buffer lies outside the pool, or it is too long.</exception>
    public bool TrySubmit(in BlockCommand command, long now)
    {
        if (State != BlockDriverState.Ready || _commands.IsFull)
        {
            return false;
        }

        if (!TryCheck(command, out int bytes))
        {
            throw new ArgumentException(
                "A transfer needs 1 block to MaximumTransferBytes of an active namespace, and a buffer in the pool aligned to 4 bytes; write zeroes takes 1 to 65536 blocks.",
                nameof(command));
        }

        if (!TryChooseQueue(out int queue))
        {
            return false;
        }

        int slot = _commands.Add(command);
        if (!TryIssue(slot, queue, bytes, now))
        {
            _commands.Remove(slot);
            return false;
        }

        if (command.Sample != 0)
        {
            _hops!.OnIssued(command.Sample);
            _queues[queue].OnSampleAdded(command.Sample);
        }

        if (_commands.Count == 1)
        {
            _watchdogAt = now + _watchdogInterval;
        }

        Counters.Submitted++;
        return true;
    }

    /// <summary>Whether <see cref="TrySubmit"/> would take it for a command, once the driver has been ready.</summary>
    public bool IsValid(in BlockCommand command) => TryCheck(command, out _);

    private bool TryChooseQueue(out int queue)
    {
        queue = _currentQueue;
        for (int tried = 0; tried < _bringUp.ActiveQueues; tried++)
        {
            if (_queues[queue].HasRoom)
            {
                return true;
            }

            queue = queue + 1 < _bringUp.ActiveQueues ? queue + 1 : 0;
        }

        return false;
    }

    /// <param name="bytes">Bytes between host and controller.</param>
    private bool TryCheck(in BlockCommand command, out int bytes)
    {
        bytes = 0;
        if (!command.MovesData)
        {
            return command.Operation != BlockOperation.WriteZeroes || command.Blocks is > 0 and <= MaximumBlocksOfField;
        }

        long length = (long)command.Blocks * BlockBytes(command.NamespaceId);
        bytes = (int)length;
        return length > 0 && length <= MaximumTransferBytes && command.Blocks <= MaximumBlocksOfField
            && (command.Buffer & 3) == 0 && Pool.Contains(command.Buffer, bytes);
    }

    private int BlockBytes(uint namespaceId)
    {
        IReadOnlyList<NamespaceInfo> namespaces = _bringUp.Namespaces;
        for (int index = 0; index < namespaces.Count; index++)
        {
            if (namespaces[index].Id == namespaceId)
            {
                return namespaces[index].BlockBytes;
            }
        }

        return 0;
    }

    /// <summary>Writes a command's entry. False: the lane is full; nothing has changed.</summary>
    private bool TryIssue(int index, int queueIndex, int bytes, long now)
    {
        ref CommandSlot slot = ref _commands[index];
        QueuePair queue = _queues[queueIndex];
        ref SubmissionEntry entry = ref queue.Add();
        entry.CommandId = _commands.Identifier(index);
        entry.NamespaceId = slot.Command.NamespaceId;
        entry.StartingLba = slot.Command.Lba;
        switch (slot.Command.Operation)
        {
            case BlockOperation.Flush:
                entry.Opcode = (byte)NvmOpcode.Flush;
                entry.StartingLba = 0;
                break;
            case BlockOperation.Trim:
                entry.Opcode = (byte)NvmOpcode.DatasetManagement;
                entry.CommandDword10 = 0;
                entry.CommandDword11 = DeallocateBit;
                bytes = DatasetManagementRange.SizeBytes;
                break;
            default:
                entry.Opcode = (byte)OpcodeOf(slot.Command.Operation);
                entry.CommandDword12 = slot.Command.Blocks - 1 | (slot.Command.ForceUnitAccess ? ForceUnitAccessBit : 0);
                break;
        }

        if (bytes != 0 && !TryPlaceData(index, ref slot, ref entry, bytes, now))
        {
            queue.Undo();
            return false;
        }

        slot.Queue = queueIndex;
        slot.IsAbortRequested = false;
        slot.Deadline = now + _commandTimeout;
        return true;
    }

    private static NvmOpcode OpcodeOf(BlockOperation operation) => operation switch
    {
        BlockOperation.Read => NvmOpcode.Read,
        BlockOperation.Write => NvmOpcode.Write,
        BlockOperation.Compare => NvmOpcode.Compare,
        _ => NvmOpcode.WriteZeroes,
    };

    private bool TryPlaceData(int index, ref CommandSlot slot, ref SubmissionEntry entry, int bytes, long now)
    {
        byte* list = _lists + index * DataPointers.ListBytes;
        nint buffer = slot.Command.Buffer;
        if (slot.Command.Operation == BlockOperation.Trim)
        {
            buffer = (nint)list;
            *(DatasetManagementRange*)list = new DatasetManagementRange { LengthBlocks = slot.Command.Blocks, StartingLba = slot.Command.Lba };
        }

        ulong address = Pool.BusAddress(buffer);
        if (slot.Command.Operation != BlockOperation.Read && bytes <= _memory.DataPlaceBytes && _memory.TryTakeData(out int place))
        {
            slot.DataPlace = place;
            RegionPlace region = _memory.DataPlace(place);
            if (!TryPostData(region, new ReadOnlySpan<byte>((void*)buffer, bytes), now))
            {
                ReturnDataPlace(ref slot);
                return false;
            }

            address = region.CommandAddress;
            Counters.WritesThroughControllerMemory++;
        }

        if (DataPointers.Pages(address, bytes) > 2 && _bringUp.HasSgl)
        {
            DataPointers.SetSgl(ref entry, address, bytes);
            return true;
        }

        ulong listOffset = (ulong)(index * DataPointers.ListBytes);
        bool isListInController = _bringUp.ListsInControllerMemory;
        RegionPlace lists = _bringUp.ListPlace;
        Span<ulong> entries = new(list, DataPointers.ListBytes / sizeof(ulong));
        int count = DataPointers.SetPrp(ref entry, address, bytes, (isListInController ? lists.CommandAddress : _listsAddress) + listOffset, entries);
        if (isListInController && count > 0
            && !_function.TryWriteRegion(lists.Bar, lists.Offset + listOffset, MemoryMarshal.AsBytes(entries[..count]), now))
        {
            ReturnDataPlace(ref slot);
            return false;
        }

        return true;
    }

    private bool TryPostData(RegionPlace region, ReadOnlySpan<byte> data, long now)
    {
        for (int done = 0; done < data.Length; done += DmaPool.PageBytes)
        {
            int bytes = Math.Min(DmaPool.PageBytes, data.Length - done);
            if (!_function.TryWriteRegion(region.Bar, region.Offset + (ulong)done, data.Slice(done, bytes), now))
            {
                return false;
            }
        }

        return true;
    }

    private void ReturnDataPlace(ref CommandSlot slot)
    {
        if (slot.DataPlace >= 0)
        {
            _memory.ReturnData(slot.DataPlace);
            slot.DataPlace = -1;
        }
    }

    private void TakeCompletions(long now)
    {
        for (int index = 0; index < _bringUp.ActiveQueues; index++)
        {
            while (_queues[index].TryTakeCompletion(out CompletionEntry entry))
            {
                if (!_commands.TryFind(entry.CommandId, out int slot) || _commands[slot].Queue != index)
                {
                    Counters.UnknownCompletions++;
                    continue;
                }

                _watchdogAt = now + _watchdogInterval;
                if (_commands[slot].Command.Sample != 0)
                {
                    _hops!.OnFound(_commands[slot].Command.Sample, now);
                }

                Complete(slot, entry.Status, now);
            }
        }
    }

    private void Complete(int index, NvmeStatus status, long now)
    {
        ref CommandSlot slot = ref _commands[index];
        ReturnDataPlace(ref slot);
        ulong context = slot.Command.Context;
        _commands.Remove(index);
        Counters.Completed++;
        Counters.CompletedWithError += status == NvmeStatus.Success ? 0 : 1;
        _client.OnCompleted(context, status, now);
    }
}
